import type { RecordedResource } from "./recording/recorded";
import type { Show, Shown } from "./secrets";

/** A resource that is no Kubernetes object: its inputs, and of a component what it publishes. */
export function resourceText(
  { type, name, inputs, outputs = {} }: RecordedResource,
  show: Show,
): string {
  const publishes = Object.keys(outputs).length > 0;
  return jsonText({
    type,
    name,
    inputs: unfolded(show(inputs)),
    ...(publishes && { outputs: unfolded(show(outputs)) }),
  });
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Key of what an input takes as JSON text, such as the policy of a role: it is shown as data. */
export const JSON_KEY = "$json";

function unfolded(value: Shown): Shown {
  if (typeof value === "string") return parsed(value);
  if (Array.isArray(value)) return value.map(unfolded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, unfolded(child)]));
}

function parsed(text: string): Shown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return { [JSON_KEY]: JSON.parse(text) as Shown };
  } catch {
    return text;
  }
}
