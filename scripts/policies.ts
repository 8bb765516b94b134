// `npm run docs:policies`: writes what is generated from the rules of the policy pack.
import * as fs from "node:fs";
import * as path from "node:path";

import { configSchemaText } from "../policy/config";
import { documentText } from "../policy/document";

const texts = {
  "docs/policies.md": documentText(),
  "schema/policy-config.schema.json": configSchemaText(),
};
for (const [name, text] of Object.entries(texts)) {
  const file = path.join(__dirname, "..", name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  console.error(`wrote ${path.relative(process.cwd(), file)}`);
}
