// npm fhir-kit-client, as published, against a running server: FHIR_BASE and FHIR_TOKEN.
import assert from "node:assert/strict";
import { Client } from "fhir-kit-client";

const baseUrl = process.env.FHIR_BASE;
const client = new Client({ baseUrl, bearerToken: process.env.FHIR_TOKEN });
const resourceType = "Observation";

const observation = (patient, value) => ({
  resourceType,
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "718-7" }] },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: `2024-01-${String(value).padStart(2, "0")}`,
  valueQuantity: { value, unit: "g/dL", system: "http://unitsofmeasure.org", code: "g/dL" },
});

async function refused(status, call) {
  const error = await call().then(
    () => assert.fail(`this should have been refused with ${status}`),
    (error) => error,
  );
  assert.equal(error.response.status, status, JSON.stringify(error.response.data));
  assert.equal(error.response.data.resourceType, "OperationOutcome");
}

const version = (resource) => ({ headers: { "If-Match": `W/"${resource.meta.versionId}"` } });

async function metadata() {
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, "4.0.1");
  const auth = await client.smartAuthMetadata();
  assert.ok(auth.tokenUrl, "the token endpoint is found");
}

async function crud() {
  const patient = await client.create({
    resourceType: "Patient",
    body: { resourceType: "Patient", name: [{ family: "Kit" }], active: true },
  });
  assert.ok(patient.id);
  assert.equal(Client.httpFor(patient).response.status, 201);
  assert.match(
    Client.httpFor(patient).response.headers.get("location"),
    new RegExp(`^${baseUrl}/Patient/${patient.id}/_history/1$`),
  );
  const read = await client.read({ resourceType: "Patient", id: patient.id });
  assert.deepEqual(read.name, [{ family: "Kit" }]);

  const changed = { ...read, name: [{ family: "Kit", given: ["Changed"] }] };
  const updated = await client.update({
    resourceType: "Patient",
    id: patient.id,
    body: changed,
    options: version(read),
  });
  assert.equal(updated.meta.versionId, "2");
  await refused(412, () =>
    client.update({ resourceType: "Patient", id: patient.id, body: changed, options: version(read) }),
  );
  const old = await client.vread({ resourceType: "Patient", id: patient.id, version: "1" });
  assert.deepEqual(old.name, [{ family: "Kit" }]);
  return updated;
}

async function patchAndHistory(patient) {
  const patched = await client.patch({
    resourceType: "Patient",
    id: patient.id,
    jsonPatch: [{ op: "replace", path: "/active", value: false }],
    options: version(patient),
  });
  assert.equal(patched.active, false);
  const history = await client.history({ resourceType: "Patient", id: patient.id });
  assert.equal(history.type, "history");
  assert.deepEqual(
    history.entry.map((entry) => entry.resource.meta.versionId),
    ["3", "2", "1"],
  );
}

async function search(patient) {
  for (let value = 1; value <= 7; value += 1) {
    await client.create({ resourceType, body: observation(patient.id, value) });
  }
  const searchParams = { patient: patient.id, _count: 3, _sort: "-date" };
  const seen = [];
  let bundle = await client.search({ resourceType, searchParams });
  assert.equal(bundle.type, "searchset");
  while (bundle) {
    seen.push(...bundle.entry.map((entry) => entry.resource.valueQuantity.value));
    bundle = await client.nextPage({ bundle });
  }
  assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
  const posted = await client.search({
    resourceType,
    searchParams: { patient: patient.id },
    options: { postSearch: true },
  });
  assert.equal(posted.entry.length, 7);
  const compartment = await client.compartmentSearch({
    resourceType,
    compartment: { resourceType: "Patient", id: patient.id },
    searchParams: { code: "http://loinc.org|718-7" },
  });
  assert.equal(compartment.entry.length, 7);
  await refused(400, () => client.search({ resourceType, searchParams: { nonsense: 1 } }));
}

async function bundles(patient) {
  const entry = (method, url, resource) => ({ request: { method, url }, ...(resource && { resource }) });
  const batch = await client.batch({
    body: {
      resourceType: "Bundle",
      type: "batch",
      entry: [
        entry("GET", `Patient/${patient.id}`),
        entry("GET", "Patient/nobody-by-this-id"),
        entry("POST", "Observation", observation(patient.id, 20)),
      ],
    },
  });
  assert.equal(batch.type, "batch-response");
  assert.deepEqual(
    batch.entry.map((entry) => entry.response.status.slice(0, 3)),
    ["200", "404", "201"],
  );

  const fullUrl = "urn:uuid:6e2f3a7c-1d53-4f0e-8f3b-0c8a0a0d0001";
  const transaction = await client.transaction({
    body: {
      resourceType: "Bundle",
      type: "transaction",
      entry: [
        { fullUrl, ...entry("POST", "Patient", { resourceType: "Patient", name: [{ family: "Both" }] }) },
        entry("POST", "Observation", { ...observation("-", 21), subject: { reference: fullUrl } }),
      ],
    },
  });
  assert.equal(transaction.type, "transaction-response");
  const [made, noted] = transaction.entry.map((entry) => entry.response.location.split("/_history/")[0]);
  const id = made.split("/").pop();
  const note = await client.read({ resourceType, id: noted.split("/").pop() });
  assert.equal(note.subject.reference, `Patient/${id}`);

  const { status: _, ...incomplete } = observation(patient.id, 23);
  await refused(422, () =>
    client.transaction({
      body: {
        resourceType: "Bundle",
        type: "transaction",
        entry: [
          entry("POST", "Observation", observation(patient.id, 22)),
          entry("POST", "Observation", incomplete),
        ],
      },
    }),
  );
  const after = await client.search({ resourceType, searchParams: { patient: patient.id, date: "2024-01-22" } });
  assert.equal(after.entry, undefined, "nothing of a failed transaction is stored");
}

async function remove(patient) {
  const body = observation(patient.id, 30);
  const made = await client.create({ resourceType, body });
  await client.delete({ resourceType, id: made.id, options: version(made) });
  await refused(410, () => client.read({ resourceType, id: made.id }));
}

await metadata();
const patient = await crud();
await patchAndHistory(patient);
await search(patient);
await bundles(patient);
await remove(patient);
console.log("fhir-kit-client: all done");
