// A certified OpenID Connect relying party: discovery, PKCE, nonce, iss, id_token, refresh,
// introspection, revocation, and a key as the client's proof.
import * as oc from "openid-client";
import { check, fhirBase, follow, issuer, jwks, redirectUri } from "./person.mjs";

const insecure = { execute: [oc.allowInsecureRequests] };
const scope = "launch/patient openid fhirUser offline_access patient/Patient.rs";

async function run(config, spoil, proves) {
  const verifier = oc.randomPKCECodeVerifier();
  const state = oc.randomState();
  const nonce = oc.randomNonce();
  const url = oc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri, scope, state, nonce, aud: fhirBase,
    code_challenge: await oc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = new URL(await follow(url.href));
  if (spoil) back.searchParams.set(spoil, "https://evil.test");
  const tokens = await oc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce,
  });
  const claims = tokens.claims();
  check(claims.iss === issuer && claims.nonce === nonce, "the id_token is for this answer");
  check(claims.fhirUser === `${fhirBase}/Practitioner/rivera`, "it says who signed in");
  check(tokens.patient === "anna-rossi", "the patient comes with the token");
  const refreshed = await oc.refreshTokenGrant(config, tokens.refresh_token);
  if (proves) {
    const active = await oc.tokenIntrospection(config, refreshed.access_token);
    check(active.active && active.patient === "anna-rossi", "the token is active");
    check(active.sub === claims.sub && active.iss === issuer, "and says whose it is");
  }
  await oc.tokenRevocation(config, refreshed.refresh_token);
  const read = await fetch(`${fhirBase}/Patient/anna-rossi`, {
    headers: { authorization: `Bearer ${refreshed.access_token}` },
  });
  check(read.status === 401, "revoking the refresh token ends the access token");
  if (!proves) return;
  const after = await oc.tokenIntrospection(config, refreshed.access_token);
  check(after.active === false, "and it is said so");
}

const publicly = await oc.discovery(new URL(issuer), "demo-public", undefined, oc.None(), insecure);
await run(publicly);

for (const spoil of ["iss", "state"]) {
  const refused = await run(publicly, spoil).then(() => false, () => true);
  check(refused, `a spoiled ${spoil} is noticed`);
}

const jwk = jwks.find((key) => key.alg === "ES384");
const key = await crypto.subtle.importKey(
  "jwk", jwk, { name: "ECDSA", namedCurve: "P-384" }, false, ["sign"],
);
const discovered = publicly.serverMetadata();
const proof = oc.PrivateKeyJwt({ key, kid: jwk.kid }, {
  [oc.modifyAssertion]: (header, claims) => {
    header.typ = "JWT";
    claims.aud = discovered.token_endpoint;
  },
});
await run(await oc.discovery(new URL(issuer), "demo-asymmetric", undefined, proof, insecure), undefined, true);
process.exit(0);
