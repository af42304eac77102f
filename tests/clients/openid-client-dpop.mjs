// Requests that are pushed and tokens that are bound to a key, with the library's own means:
// an app without a secret, and one that proves itself when it pushes.
import * as oc from "openid-client";
import { check, fhirBase, follow, issuer, redirectUri, secret } from "./person.mjs";

const insecure = { execute: [oc.allowInsecureRequests] };
const scope = "launch/patient openid offline_access patient/Patient.rs";

async function run(id, means, algorithm) {
  const config = await oc.discovery(new URL(issuer), id, undefined, means, insecure);
  const server = config.serverMetadata();
  check(server.dpop_signing_alg_values_supported.includes(algorithm), "the algorithm is told");
  const pair = await oc.randomDPoPKeyPair(algorithm);
  const DPoP = oc.getDPoPHandle(config, pair);
  const verifier = oc.randomPKCECodeVerifier();
  const state = oc.randomState();
  const nonce = oc.randomNonce();
  const url = await oc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: redirectUri, scope, state, nonce, aud: fhirBase,
    code_challenge: await oc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  }, { DPoP });
  check(!url.searchParams.has("scope"), "the browser carries the reference alone");
  const back = new URL(await follow(url.href));
  const tokens = await oc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce,
  }, undefined, { DPoP });
  check(tokens.token_type === "dpop", "the token is bound");
  const refreshed = await oc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  const patient = new URL(`${fhirBase}/Patient/anna-rossi`);
  const read = await oc.fetchProtectedResource(
    config, refreshed.access_token, patient, "GET", undefined, undefined, { DPoP },
  );
  check((await read.json()).id === "anna-rossi", "it opens the record with its proof");
  const stolen = await fetch(patient, {
    headers: { authorization: `Bearer ${refreshed.access_token}` },
  });
  check(stolen.status === 401, "and not without");
}

await run("demo-public", oc.None(), "ES256");
await run("demo-confidential", oc.ClientSecretPost(secret), "ES256");
await run("demo-public", oc.None(), "RS256");
process.exit(0);
