// `npm run schema`: writes the JSON schema that editors check Pulumi.<stack>.yaml with.
import * as fs from "node:fs";
import * as path from "node:path";

import { stackFileSchemaText } from "../config/json-schema";

const file = path.join(__dirname, "..", "schema", "pulumi-stack.schema.json");
fs.mkdirSync(path.dirname(file), { recursive: true });
fs.writeFileSync(file, stackFileSchemaText());
console.error(`wrote ${path.relative(process.cwd(), file)}`);
