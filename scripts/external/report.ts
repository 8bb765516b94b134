import type { Finding, Judgement } from "./findings";
import type { Scan } from "./scan-all";

/** The verdict first, then what is open, what was accepted and why, what was looked at. */
export function reportText({ lower, coverage }: Scan, judgement: Judgement): string {
  const { open, accepted, unused } = judgement;
  const isGood = open.length === 0 && unused.length === 0;
  return [
    `${isGood ? "PASS" : "FAIL"}: ${open.length} open, ${accepted.length} accepted findings`,
    ...section("Open: mend them, or say beside the resource why they are right", open.map(line)),
    ...section(
      "Accept what no scanner finds any more: remove them",
      unused.map(({ rule, resource, place }) => `${rule} of ${resource} (${place})`),
    ),
    ...section(
      "Accepted",
      accepted.map(
        ({ finding, acceptance: { reason, place } }) => `${line(finding)}\n    ${place}: ${reason}`,
      ),
    ),
    ...section("Of lower severity, not judged", lower.map(line)),
    ...section("Looked at", coverage),
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((text) => `  ${text}`)];
}

function line({ scanner, rule, resource, message }: Finding): string {
  const short = message.length > 120 ? `${message.slice(0, 117)}...` : message;
  return `${scanner} ${rule} ${resource}: ${short}`;
}
