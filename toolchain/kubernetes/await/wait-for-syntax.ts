import { compile, JSONPathError } from "json-p3";

import { PluginError } from "../../plugin/errors";
import type { Json, JsonMap } from "../objects";

/** The annotation by which a program says itself when an object is ready. */
export const WAIT_FOR = "pulumi.com/waitFor";

export type WaitCondition =
  | {
      readonly form: "jsonpath";
      /** As the user wrote it. */
      readonly text: string;
      /** What the path selects in an object. */
      readonly query: (object: JsonMap) => readonly Json[];
      /** Text that the first value must have; absent: any value will do. */
      readonly value?: string;
    }
  | {
      readonly form: "condition";
      readonly text: string;
      readonly type: string;
      readonly status: string;
    };

/**
 * Reads the annotation: `jsonpath={.path}`, `jsonpath={.path}=value`, `condition=Type`,
 * `condition=Type=Status`, or a JSON array of those.
 *
 * @throws PluginError that names the annotation, every wrong expression and the rule it breaks.
 */
export function parseWaitFor(value: string): WaitCondition[] {
  const problems: string[] = [];
  const conditions = expressionsOf(value).flatMap((text) => {
    try {
      return [parseExpression(text)];
    } catch (error) {
      problems.push(`"${text}": ${(error as Error).message}`);
      return [];
    }
  });
  if (problems.length > 0) {
    throw new PluginError(`annotation ${WAIT_FOR}: ${problems.join("; ")}`);
  }
  return conditions;
}

function expressionsOf(value: string): string[] {
  if (!value.trimStart().startsWith("[")) {
    return [value];
  }
  const expressions = parseJson(value);
  const isList =
    Array.isArray(expressions) &&
    expressions.length > 0 &&
    expressions.every((item): item is string => typeof item === "string");
  if (!isList) {
    throw new PluginError(
      `annotation ${WAIT_FOR}: ${value} must be a JSON array of one or more strings, ` +
        'such as ["jsonpath={.status.phase}=Running", "condition=Ready"]',
    );
  }
  return expressions;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseExpression(text: string): WaitCondition {
  if (text.startsWith("condition=")) {
    const [type = "", ...status] = text.slice("condition=".length).split("=");
    if (type === "") {
      throw new Error("needs a type, such as condition=Ready or condition=Ready=False");
    }
    return { form: "condition", text, type, status: status.join("=") || "True" };
  }
  if (text.startsWith("jsonpath=")) {
    return parsePath(text, text.slice("jsonpath=".length));
  }
  throw new Error('must begin with "jsonpath=" or "condition="');
}

function parsePath(text: string, expression: string): WaitCondition {
  if (/^['"]/.test(expression)) {
    throw new Error("must be written without the quotes that a shell needs");
  }
  const end = closingBrace(expression);
  if (!expression.startsWith("{") || end === -1) {
    throw new Error("needs its path in braces, such as jsonpath={.status.phase}=Running");
  }
  const rest = expression.slice(end + 1);
  if (rest !== "" && !/^=./s.test(rest)) {
    throw new Error(
      rest === "=" ? 'needs a value after "="' : 'may have nothing but "=value" after the braces',
    );
  }
  const query = compilePath(expression.slice(1, end).trim());
  return { form: "jsonpath", text, query, ...(rest === "" ? {} : { value: rest.slice(1) }) };
}

/** The brace that ends the path: one inside a quoted name does not. */
function closingBrace(expression: string): number {
  let quote = "";
  for (let index = 1; index < expression.length; index++) {
    const character = expression.charAt(index);
    if (character === "\\") {
      index++;
    } else if (quote !== "") {
      quote = character === quote ? "" : quote;
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === "}") {
      return index;
    }
  }
  return -1;
}

function compilePath(path: string): (object: JsonMap) => readonly Json[] {
  try {
    const compiled = compile(path.startsWith("$") ? path : `$${path}`);
    return (object) => compiled.query(object).values() as Json[];
  } catch (error) {
    if (!(error instanceof JSONPathError)) {
      throw error;
    }
    throw new Error(`is no JSONPath as RFC 9535 has it: ${error.message}`, { cause: error });
  }
}
