import { ANNOTATION_PREFIX, TAG_PREFIX } from "./exceptions";
import { CONCERNS, defaultLevel, type Rule, SEVERITIES } from "./rule";
import { rules, rulesByConcern } from "./rules";

/** Where the documentation of a rule is, relative to the project. */
export function documentAddress({ id }: Pick<Rule, "id">): string {
  return `docs/policies.md#${id}`;
}

/** The text of docs/policies.md. */
export function documentText(): string {
  return [...introduction(), ...overview(), ...CONCERNS.flatMap(concern), ""].join("\n");
}

function introduction(): string[] {
  return [
    "# Policies",
    "",
    "Generated from the rules in `policy/` by `npm run docs:policies`; do not edit.",
    "",
    `${rules.length} rules: ${SEVERITIES.map((severity) => `${count({ severity })} ${severity}`).join(", ")}. ` +
      `${count({ level: "mandatory" })} are mandatory and ${count({ level: "advisory" })} advise, ` +
      "where the configuration of a stack (`policy/config/<stack>.json`) says nothing else.",
    "A rule of a *resource* judges its inputs before its step and blocks it; a rule of the *stack* judges all",
    "resources together, at the end of a preview and again at the end of an update. What is not known at the",
    "preview is told (`inputs-known`) and judged by the update. No message holds the value of a property.",
    "",
    "An exception stands beside the resource, with its last day and its reason; it is told at each preview, and",
    "is a violation when the day has passed:",
    "",
    "```ts",
    'import { exceptions, exceptionTags } from "./policy/exceptions";',
    "",
    'const why = { until: "2027-01-31", reason: "waits for the new image" } as const;',
    'const annotations = exceptions({ "image-digest-pinned": why }); // metadata.annotations, Kubernetes',
    'const tags = exceptionTags({ "kms-key-hardened": why }); // tags, AWS',
    "```",
    "",
    `Written by hand: the annotation \`${ANNOTATION_PREFIX}<rule>\` or the tag \`${TAG_PREFIX}<rule>\` with the`,
    'value `"2027-01-31 waits for the new image"`. A whole stack is exempt by its configuration: `"<rule>": "disabled"`.',
    "",
  ];
}

function count(wanted: { severity?: string; level?: string }): number {
  return rules.filter(
    ({ severity }) => severity === wanted.severity || defaultLevel(severity) === wanted.level,
  ).length;
}

function overview(): string[] {
  const rows = CONCERNS.map((name) => {
    const group = rulesByConcern[name];
    const counts = SEVERITIES.map((one) => group.filter(({ severity }) => severity === one).length);
    return `| [${name}](#${name.toLowerCase().replaceAll(" ", "-")}) | ${group.length} | ${counts.join(" | ")} |`;
  });
  return [
    `| about | rules | ${SEVERITIES.join(" | ")} |`,
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ];
}

function concern(name: (typeof CONCERNS)[number]): string[] {
  const title = name.replace(/^[a-z]/, (letter) => letter.toUpperCase());
  return [`## ${title}`, "", ...rulesByConcern[name].flatMap(entry)];
}

function entry(rule: Rule): string[] {
  const { id, title, severity, why, references, fix, parameters } = rule;
  const scope = [rule.check && "resource", rule.checkStack && "stack"].filter(Boolean).join(", ");
  const settings = Object.entries(parameters).map(
    ([key, { default: value, description }]) =>
      `  - \`${key}\`, by default \`${JSON.stringify(value)}\`: ${description}`,
  );
  return [
    `### ${id}`,
    "",
    title,
    "",
    `- ${severity}, ${defaultLevel(severity)}${scope === "" ? "" : `; judges the ${scope}`}: ${kinds(rule)}`,
    `- Why: ${why}`,
    `- Asked for by: ${references.join("; ")}`,
    `- How to fix: ${fix}`,
    ...(settings.length === 0 ? [] : ["- Configuration:", ...settings]),
    "",
  ];
}

function kinds({ applies }: Rule): string {
  if (applies.includes("*")) return "every resource";
  return applies.map((kind) => `\`${kind.replace(/^core\//, "")}\``).join(", ");
}
