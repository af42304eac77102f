// SMART's own JavaScript client, by its Node adapter: standalone and EHR launch, refresh.
const smart = require("fhirclient");

async function main() {
  const { check, follow, fhirBase, redirectUri, launch, secret } = await import("./person.mjs");

  async function run(options) {
    const map = new Map();
    const storage = {
      get: async (key) => map.get(key),
      set: async (key, value) => (map.set(key, value), value),
      unset: async (key) => map.delete(key),
    };
    const request = (url) => ({ url, headers: { host: "127.0.0.1:9999" }, socket: {} });
    const url = await smart(request("/launch"), {}, storage).authorize({
      iss: fhirBase, redirectUri, noRedirect: true, ...options,
    });
    const back = new URL(await follow(url));
    const client = await smart(request(back.pathname + back.search), {}, storage).ready();
    const patient = await client.patient.read();
    check(patient.id === "anna-rossi", "the patient in context is read");
    check(client.getFhirUser() !== null, "the app learns who signed in");
    const before = client.state.tokenResponse.access_token;
    await client.refresh();
    check(client.state.tokenResponse.access_token !== before, "a refresh gives another token");
    const results = await client.request("Observation?patient=anna-rossi&_count=5");
    check(results.entry.length === 5, "results are found with it");
  }

  const scope = "openid fhirUser offline_access patient/*.rs";
  await run({ clientId: "demo-public", scope: `launch/patient ${scope}` });
  await run({ clientId: "demo-confidential", clientSecret: secret, scope: `launch ${scope}`, launch });
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
