// Asks mermaid's own parser about every diagram of the files that are named. It needs a document to clean texts in.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

let found = 0;
let refused = 0;
for (const file of process.argv.slice(2)) {
  for (const [, text] of readFileSync(file, "utf8").matchAll(/^```mermaid\n(.*?)^```/gms)) {
    found += 1;
    try {
      await mermaid.parse(text);
    } catch (error) {
      refused += 1;
      console.error(`${file}: ${error.message}`);
    }
  }
}
if (found === 0 || refused > 0) {
  console.error(`diagrams: ${refused} of ${found} are refused`);
  process.exit(1);
}
console.log(`diagrams: mermaid understands all ${found}`);
