// The same step by step: a pushed request, a bound code, a bound token, a call with a proof.
import * as oauth from "oauth4webapi";
import { check, fhirBase, follow, issuer, redirectUri, secret } from "./person.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const at = new URL(issuer);
const found = await oauth.discoveryRequest(at, { algorithm: "oauth2", ...insecure });
const server = await oauth.processDiscoveryResponse(at, found);
const client = { client_id: "demo-confidential" };
const proof = oauth.ClientSecretBasic(secret);
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
const options = { DPoP, ...insecure };

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const parameters = new URLSearchParams({
  response_type: "code", redirect_uri: redirectUri, state, aud: fhirBase,
  scope: "launch/patient offline_access patient/Patient.rs",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
});
const sent = await oauth.pushedAuthorizationRequest(server, client, proof, parameters, options);
const pushed = await oauth.processPushedAuthorizationResponse(server, client, sent);
check(pushed.expires_in <= 60, "a reference lasts a minute");
const url = new URL(server.authorization_endpoint);
url.searchParams.set("client_id", client.client_id);
url.searchParams.set("request_uri", pushed.request_uri);
const back = new URL(await follow(url.href));

const valid = oauth.validateAuthResponse(server, client, back, state);
const answer = await oauth.authorizationCodeGrantRequest(
  server, client, proof, valid, redirectUri, verifier, options,
);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer);
check(tokens.token_type === "dpop", "the token is bound");
const read = await oauth.protectedResourceRequest(
  tokens.access_token, "GET", new URL(`${fhirBase}/Patient/anna-rossi`), undefined, undefined,
  options,
);
check(read.status === 200, "it opens the record with its proof");
const asked = await oauth.introspectionRequest(server, client, proof, tokens.access_token, insecure);
const active = await oauth.processIntrospectionResponse(server, client, asked);
check(active.cnf.jkt === await DPoP.calculateThumbprint(), "and says to which key it is bound");
process.exit(0);
