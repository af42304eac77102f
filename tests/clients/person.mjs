// The person in front of the browser: whoever runs the script reads `OPEN <address>` and
// answers with the address to which the browser was sent in the end.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function follow(url) {
  console.log(`OPEN ${url}`);
  const { value } = await lines.next();
  return value.trim();
}

export function check(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

export const fhirBase = process.env.FHIR_BASE;
export const issuer = process.env.ISSUER;
export const redirectUri = process.env.REDIRECT_URI;
export const launch = process.env.LAUNCH;
export const secret = process.env.CLIENT_SECRET;
export const jwks = process.env.CLIENT_JWKS ? JSON.parse(process.env.CLIENT_JWKS) : [];
