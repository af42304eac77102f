"""SMART's own Python client: finds the endpoints in the CapabilityStatement only."""

import os
import sys

from fhirclient import client
from fhirclient.models.patient import Patient


def follow(url):
    print(f"OPEN {url}", flush=True)
    return sys.stdin.readline().strip()


def run(**settings):
    smart = client.FHIRClient(
        settings={
            "api_base": os.environ["FHIR_BASE"],
            "redirect_uri": os.environ["REDIRECT_URI"],
            **settings,
        }
    )
    smart.prepare()
    smart.handle_callback(follow(smart.authorize_url))
    assert smart.ready, "the client is ready"
    assert smart.patient.id == "anna-rossi", "the patient in context is read"
    assert smart.reauthorize(), "a refresh works"
    assert Patient.read("anna-rossi", smart.server).name, "and what it gives is good"


SCOPE = "launch/patient openid fhirUser offline_access patient/*.rs"
run(app_id="demo-public", scope=SCOPE)
run(app_id="demo-confidential", app_secret=os.environ["CLIENT_SECRET"], scope=SCOPE)
