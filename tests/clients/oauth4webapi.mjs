// The same protocol step by step, with every field of every answer checked by the library.
import * as oauth from "oauth4webapi";
import { check, fhirBase, follow, issuer, redirectUri, secret } from "./person.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const at = new URL(issuer);
const found = await oauth.discoveryRequest(at, { algorithm: "oidc", ...insecure });
const server = await oauth.processDiscoveryResponse(at, found);
const client = { client_id: "demo-confidential" };
const proof = oauth.ClientSecretBasic(secret);

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();
const url = new URL(server.authorization_endpoint);
const parameters = {
  response_type: "code", client_id: client.client_id, redirect_uri: redirectUri, state, nonce,
  scope: "launch/patient openid offline_access patient/Patient.rs", aud: fhirBase,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
};
for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
const back = new URL(await follow(url.href));

const valid = oauth.validateAuthResponse(server, client, back, state);
const answer = await oauth.authorizationCodeGrantRequest(
  server, client, proof, valid, redirectUri, verifier, insecure,
);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
  expectedNonce: nonce, requireIdToken: true,
});
const jwksAnswer = await oauth.validateApplicationLevelSignature(server, answer, insecure);
check(jwksAnswer === undefined, "the id_token is signed by a published key");

const again = await oauth.refreshTokenGrantRequest(server, client, proof, tokens.refresh_token, insecure);
const refreshed = await oauth.processRefreshTokenResponse(server, client, again);
const asked = await oauth.introspectionRequest(server, client, proof, refreshed.access_token, insecure);
const active = await oauth.processIntrospectionResponse(server, client, asked);
check(active.active === true, "the token is active");
const given = await oauth.revocationRequest(server, client, proof, refreshed.refresh_token, insecure);
await oauth.processRevocationResponse(given);
process.exit(0);
