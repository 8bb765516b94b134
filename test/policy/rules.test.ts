import { describe, expect, it } from "vitest";

import { rules } from "../../policy/rules";
import { POD_OWNERS } from "../../policy/views/pods";
import { applied, type Break, type Judging, type RuleCase } from "./support/cases";
import { awsCases } from "./support/cases-aws";
import { objectCases } from "./support/cases-objects";
import { podCases } from "./support/cases-pods";
import { awsResources } from "./support/conforming-aws";
import { objects } from "./support/conforming-objects";
import { pods, template } from "./support/conforming-pods";
import { askPack, type Reported, UNKNOWN_TEXT } from "./support/pack";
import { askedOf, changed, type Fixture, urnOf, withValue } from "./support/world";

const conforming: readonly Fixture[] = [...pods, ...objects, ...awsResources];
const cases: Readonly<Record<Judging, RuleCase>> = { ...podCases, ...objectCases, ...awsCases };
const table = Object.entries(cases) as [Judging, RuleCase][];

const ask = (fixtures: readonly Fixture[], id?: string, one?: Break): Reported[] =>
  askPack(askedOf(fixtures), {
    ...(id !== undefined && { only: [id, "inputs-known", "exception-valid"] }),
    ...(id !== undefined && one?.config && { config: { [id]: one.config } }),
  });

const urn = (fixtures: readonly Fixture[], name: string): string => {
  const found = fixtures.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no fixture is named ${name}`);
  return urnOf(found);
};

describe("a stack that keeps every rule", () => {
  it("is told nothing", () => {
    expect(ask(conforming)).toEqual([]);
  });

  it("is judged by every rule: each has a kind among its resources", () => {
    const kinds = new Set(
      conforming.map(({ type }) => type.replace(/^kubernetes:(.*)\/.*:/, "$1/")),
    );
    const idle = rules.filter(({ applies }) => !applies.some((kind) => kinds.has(kind)));
    expect(idle.map(({ id }) => id).sort()).toEqual([
      "exception-reported",
      "exception-used",
      "exception-valid",
      "iam-no-users",
      "inputs-known",
      "pod-has-controller",
    ]);
  });
});

describe("the table of cases", () => {
  it("has every rule that judges", () => {
    const judging = rules.filter(({ check, checkStack }) => check ?? checkStack);
    expect(Object.keys(cases).sort()).toEqual(judging.map(({ id }) => id).sort());
    expect(table.filter(([, { breaks }]) => breaks.length === 0)).toEqual([]);
  });

  it("has an unknown for every rule that reads a value", () => {
    const without = table.filter(([, { unknown }]) => unknown.length === 0).map(([id]) => id);
    expect(without.sort()).toEqual([
      "aws-tags",
      "eks-addon-version-pinned",
      "iam-no-users",
      "image-registry-allowed",
      "nodes-private-subnets",
      "object-api-version-stable",
      "pod-has-controller",
      "pod-identity-own-role",
      "stateful-protected",
      "vpc-default-security-group-managed",
      "vpc-flow-logs",
    ]);
  });
});

describe.each(table)("%s", (id, { breaks, unknown, enough = [] }) => {
  it.each(breaks.map((one) => [one.text, one] as const))("is broken by %s", (_, one) => {
    const fixtures = applied(conforming, one);
    const told = ask(fixtures, id, one).filter(({ rule }) => rule === id);
    expect(told.map((each) => each.urn)).toContain(urn(fixtures, one.told ?? one.on));
    // The parts of a message: a path of the resource, what must be, and how to fix it.
    for (const { message } of told) expect(message).toMatch(/^[^ ].* must .*\. [A-Z].*\.$/);
  });

  it.each(unknown)("waits where %s has an unknown %s", (name, path) => {
    const fixtures = changed(conforming, name, (one) => ({
      ...one,
      inputs: withValue(one.inputs, path, UNKNOWN_TEXT),
    }));
    const told = ask(fixtures, id);
    expect(told.filter(({ rule }) => rule === id)).toEqual([]);
    const waiting = told.filter(({ rule }) => rule === "inputs-known");
    expect(waiting.map((each) => each.urn)).toContain(urn(fixtures, name));
    expect(waiting.every(({ message }) => message.includes(id))).toBe(true);
  });

  it.each(enough)("is kept where %s has any %s", (name, path) => {
    const fixtures = changed(conforming, name, (one) => ({
      ...one,
      inputs: withValue(one.inputs, path, UNKNOWN_TEXT),
    }));
    expect(ask(fixtures, id)).toEqual([]);
  });
});

/** The same pods under every kind that brings pods, and the fault in an init container too. */
describe("a rule about pods", () => {
  const wrap: Readonly<Record<string, (pod: object) => Fixture["inputs"]>> = {
    "core/Pod": (pod) => ({ ...pod }),
    "core/PodTemplate": (pod) => ({ template: pod }),
    "batch/CronJob": (pod) => ({ spec: { jobTemplate: { spec: { template: pod } } } }),
  };
  const owner = (kind: string, pod: object): Fixture => ({
    type: `kubernetes:${kind.replace("/", "/v1:")}`,
    name: "subject",
    inputs: (wrap[kind] ?? ((one) => ({ spec: { template: one } })))(pod),
  });
  const faults = table
    .filter(([id]) => rules.find((rule) => rule.id === id)?.applies === POD_OWNERS)
    .flatMap(([id, { breaks }]) => breaks.map((one) => [id, one] as const))
    .flatMap(([id, one]) =>
      one.inTemplate === undefined ? [] : [[id, one, one.inTemplate] as const],
    );

  it("is tried with every kind", () => {
    expect(POD_OWNERS).toHaveLength(9);
    expect(new Set(faults.map(([id]) => id)).size).toBeGreaterThan(20);
  });

  describe.each(POD_OWNERS)("of a %s", (kind) => {
    it.each(faults.map(([id, one, path]) => [id, one.text, one, path] as const))(
      "%s: %s",
      (id, _, one, path) => {
        const paths = [path, path.replace("spec containers 0", "spec initContainers 0")];
        for (const each of new Set(paths)) {
          const pod = withValue(template("web"), each, one.value);
          const others = conforming.filter(({ name }) => !(one.minus ?? []).includes(name));
          const told = ask([...others, owner(kind, pod)], id, one);
          expect(told.filter(({ rule }) => rule === id).map((found) => found.urn)).toContain(
            urnOf(owner(kind, pod)),
          );
        }
      },
    );
  });
});
