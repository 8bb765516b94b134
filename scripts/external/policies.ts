import { JSON_KEY } from "../../review/resource";
import type { RenderedResource } from "./terraform";

interface Statement {
  readonly Sid?: string;
  readonly [element: string]: unknown;
}

/** One statement of a rendered policy, as a document of its own, so that a finding names it. */
export interface PolicyStatement {
  /** `Kind name/Sid`. */
  readonly resource: string;
  readonly text: string;
}

const ACCOUNT = "111122223333";

/** Stands in for what AWS tells later, in the form that a linter checks. */
const arns: Readonly<Record<string, string>> = {
  EventRule: `arn:aws:events:eu-central-1:${ACCOUNT}:rule/rule`,
  FileSystem: `arn:aws:elasticfilesystem:eu-central-1:${ACCOUNT}:file-system/fs-0`,
  Key: `arn:aws:kms:eu-central-1:${ACCOUNT}:key/00000000-0000-0000-0000-000000000000`,
  LogGroup: `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:group`,
  Queue: `arn:aws:sqs:eu-central-1:${ACCOUNT}:queue`,
  Role: `arn:aws:iam::${ACCOUNT}:role/role`,
};

/** Every statement of every policy: of trust, of permission, and of a key or a queue. */
export function policyStatements(resources: readonly RenderedResource[]): PolicyStatement[] {
  return resources.flatMap(({ type, name, inputs }) => {
    const kind = type.slice(type.lastIndexOf(":") + 1);
    return Object.values(inputs).flatMap((input) =>
      statementsOf(input).map((statement, index) => ({
        resource: `${kind} ${name}/${statement.Sid ?? index}`,
        text: documentText(kind, statement),
      })),
    );
  });
}

function statementsOf(input: unknown): readonly Statement[] {
  if (typeof input !== "object" || input === null || !(JSON_KEY in input)) return [];
  const document = input[JSON_KEY];
  if (typeof document !== "object" || document === null || !("Statement" in document)) return [];
  return [document.Statement].flat() as Statement[];
}

/** A trust policy names no resource: it means the role that it is attached to. */
function documentText(kind: string, statement: Statement): string {
  const Resource = statement.Resource ?? arns[kind];
  const document = { Version: "2012-10-17", Statement: [{ ...statement, Resource }] };
  return JSON.stringify(document).replace(
    /<(\w+) [\w-]+\.arn>/g,
    (placeholder, of: string) => arns[of] ?? placeholder,
  );
}
