/** What a user can mend: its message is all that is shown. */
export class ExternalError extends Error {}

/** What a scanner has against a resource. */
export interface Finding {
  readonly scanner: string;
  /** The scanner's name of its rule, such as `CKV_AWS_39`. */
  readonly rule: string;
  /** `Kind name`; of a policy's statement `Kind name/Sid`. */
  readonly resource: string;
  readonly message: string;
}

/** A finding that is as it shall be; declared beside the resource, as a comment. */
export interface Acceptance {
  readonly rule: string;
  /** As in a finding, or {@link EVERY_WORKLOAD}. */
  readonly resource: string;
  readonly reason: string;
  /** `file:line`. */
  readonly place: string;
}

export interface Judgement {
  /** Nobody has said why they may stay. */
  readonly open: readonly Finding[];
  readonly accepted: readonly { readonly finding: Finding; readonly acceptance: Acceptance }[];
  /** They accept what no scanner finds any more. */
  readonly unused: readonly Acceptance[];
}

/** For what a component declares of all that are made of it. */
const EVERY_WORKLOAD = "every workload";
const WORKLOAD = /^(?:Deployment|StatefulSet|DaemonSet|Job|CronJob) /;

const covers = ({ rule, resource }: Acceptance, finding: Finding) =>
  rule === finding.rule &&
  (resource === EVERY_WORKLOAD ? WORKLOAD.test(finding.resource) : resource === finding.resource);

export function judge(findings: readonly Finding[], acceptances: readonly Acceptance[]): Judgement {
  const matched = findings.map((finding) => ({
    finding,
    acceptance: acceptances.find((one) => covers(one, finding)),
  }));
  const used = new Set(matched.map(({ acceptance }) => acceptance));
  return {
    open: matched.filter((one) => one.acceptance === undefined).map(({ finding }) => finding),
    accepted: matched.flatMap(({ finding, acceptance }) =>
      acceptance === undefined ? [] : [{ finding, acceptance }],
    ),
    unused: acceptances.filter((one) => !used.has(one)),
  };
}

/** `// accepted CKV_AWS_39 of Cluster main: why`, or `of every workload`; the reason goes on in the comment's next lines. */
const HEAD = /^\s*\/\/ accepted (\S+) of (\w+ [\w./-]+):(?: (.*))?$/;
const MORE = /^\s*\/\/ (?!accepted )(\S.*)$/;

/**
 * The acceptances in a source file.
 * @throws ExternalError for a comment that is meant as one and cannot be read
 */
export function acceptances(file: string, text: string): Acceptance[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (!/^\s*\/\/ accepted /.test(line)) return [];
    const [, rule, resource, begin = ""] = HEAD.exec(line) ?? [];
    const place = `${file}:${index + 1}`;
    const reason = [begin, ...following(lines.slice(index + 1))].join(" ").trim();
    if (rule === undefined || resource === undefined || reason === "") {
      throw new ExternalError(`${place}: write "// accepted RULE of Kind name: reason"`);
    }
    return [{ rule, resource, reason, place }];
  });
}

function following(lines: readonly string[]): string[] {
  const texts = lines.map((line) => MORE.exec(line)?.[1]);
  const end = texts.indexOf(undefined);
  return texts.slice(0, end === -1 ? undefined : end).flatMap((text) => text ?? []);
}
