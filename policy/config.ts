import type { Parameter } from "./rule";
import { rules } from "./rules";

const LEVELS = ["advisory", "mandatory", "disabled"];

/** JSON schema of policy/config/<stack>.json: a misspelt rule is an error there, and nothing to the engine. */
export function configSchemaText(): string {
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Levels and parameters of the policy pack for one stack",
    description: "A stack without such a file gets the pack's defaults, which enforce.",
    type: "object",
    additionalProperties: false,
    properties: {
      all: { enum: LEVELS, description: "Level of every rule that is not named." },
      ...Object.fromEntries(
        rules.map(({ id, title, parameters }) => [id, ruleSchema(title, parameters)]),
      ),
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function ruleSchema(title: string, parameters: Readonly<Record<string, Parameter>>): object {
  const level = { enum: LEVELS };
  const settings = {
    type: "object",
    additionalProperties: false,
    properties: { enforcementLevel: level, ...parameters },
  };
  return { description: title, anyOf: [level, settings] };
}
