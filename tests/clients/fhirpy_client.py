"""PyPI fhirpy, as published, against a running server: FHIR_BASE and FHIR_TOKEN."""

import os

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

client = SyncFHIRClient(
    url=os.environ["FHIR_BASE"],
    authorization=f"Bearer {os.environ['FHIR_TOKEN']}",
    # Updates replace what is there now: the client keeps no versions of its own.
    extra_headers={"If-Match": "*"},
)


def observation(patient, value):
    return client.resource(
        "Observation",
        status="final",
        code={"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        subject={"reference": patient},
        effectiveDateTime=f"2024-02-{value:02}",
        valueQuantity={"value": value, "unit": "g/dL"},
    )


def refused(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError(f"this should have been refused with {error.__name__}")


def crud():
    patient = client.resource("Patient", name=[{"family": "Py"}], active=True)
    patient.save()
    assert patient.id and patient["meta"]["versionId"] == "1"
    read = client.reference("Patient", patient.id).to_resource()
    assert read["name"] == [{"family": "Py"}]

    read["name"][0]["given"] = ["Changed"]
    read.save()
    assert read["meta"]["versionId"] == "2"
    patient.refresh()
    assert patient["name"][0]["given"] == ["Changed"]
    refused(ResourceNotFound, lambda: client.reference("Patient", "nobody-by-this-id").to_resource())
    return patient


def search(patient):
    reference = f"Patient/{patient.id}"
    for value in range(1, 8):
        observation(reference, value).save()
    found = client.resources("Observation").search(patient=patient.id).sort("-date").limit(3)
    assert [one["valueQuantity"]["value"] for one in found.fetch()] == [7, 6, 5]
    assert [one["valueQuantity"]["value"] for one in found.fetch_all()] == [7, 6, 5, 4, 3, 2, 1]
    newest = client.resources("Observation").search(patient=patient.id, date__ge="2024-02-07")
    assert len(newest.fetch_all()) == 1
    refused(OperationOutcome, client.resources("Observation").search(nonsense=1).fetch)


def bundles(patient):
    reference = f"Patient/{patient.id}"

    def entry(method, url, resource=None):
        made = {"request": {"method": method, "url": url}}
        return made if resource is None else {**made, "resource": resource.serialize()}

    batch = client.resource(
        "Bundle",
        type="batch",
        entry=[
            entry("GET", reference),
            entry("GET", "Patient/nobody-by-this-id"),
            entry("POST", "Observation", observation(reference, 20)),
        ],
    )
    answer = client.execute("", method="post", data=batch.serialize())
    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["200", "404", "201"]

    full_url = "urn:uuid:6e2f3a7c-1d53-4f0e-8f3b-0c8a0a0d0002"
    both = client.resource(
        "Bundle",
        type="transaction",
        entry=[
            {"fullUrl": full_url, **entry("POST", "Patient", client.resource("Patient", active=True))},
            entry("POST", "Observation", observation(full_url, 21)),
        ],
    )
    answer = client.execute("", method="post", data=both.serialize())
    made, noted = [one["response"]["location"].split("/_history/")[0] for one in answer["entry"]]
    made, noted = made.split("/")[-1], noted.split("/")[-1]
    note = client.reference("Observation", noted).to_resource()
    assert note["subject"]["reference"] == f"Patient/{made}"


def remove(patient):
    made = observation(f"Patient/{patient.id}", 28)
    made.save()
    assert made.is_valid()
    reference = made.to_reference()
    made.delete()
    refused(ResourceNotFound, reference.to_resource)


patient = crud()
search(patient)
bundles(patient)
remove(patient)
print("fhirpy: all done")
