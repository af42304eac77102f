"""An independent Python relying party: a secret as proof, PKCE, id_token, refresh."""

import os
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


def follow(url):
    print(f"OPEN {url}", flush=True)
    return sys.stdin.readline().strip()


issuer, base = os.environ["ISSUER"], os.environ["FHIR_BASE"]
server = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
session = OAuth2Session(
    "demo-confidential",
    os.environ["CLIENT_SECRET"],
    token_endpoint_auth_method="client_secret_post",
    scope="launch/patient openid fhirUser offline_access patient/Patient.rs",
    redirect_uri=os.environ["REDIRECT_URI"],
    code_challenge_method="S256",
)
verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
url, _ = session.create_authorization_url(
    server["authorization_endpoint"], code_verifier=verifier, aud=base, nonce="n-1"
)
token = session.fetch_token(
    server["token_endpoint"], authorization_response=follow(url), code_verifier=verifier
)
keys = KeySet.import_key_set(requests.get(server["jwks_uri"], timeout=30).json())
claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
assert claims["iss"] == issuer and claims["nonce"] == "n-1"
assert claims["aud"] == "demo-confidential"
patient = session.get(f"{base}/Patient/{token['patient']}")
assert patient.status_code == 200, patient.text
before = token["access_token"]
token = session.refresh_token(server["token_endpoint"])
assert token["access_token"] != before
assert session.get(f"{base}/Patient/{token['patient']}").status_code == 200
active = session.introspect_token(server["introspection_endpoint"], token=token["access_token"])
assert active.json()["active"] is True, active.text
session.revoke_token(server["revocation_endpoint"], token=token["refresh_token"])
assert session.get(f"{base}/Patient/{token['patient']}").status_code == 401
