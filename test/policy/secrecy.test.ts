import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { applied, type RuleCase } from "./support/cases";
import { awsCases } from "./support/cases-aws";
import { objectCases } from "./support/cases-objects";
import { podCases } from "./support/cases-pods";
import { awsResources } from "./support/conforming-aws";
import { objects } from "./support/conforming-objects";
import { pods } from "./support/conforming-pods";
import { askPack } from "./support/pack";
import { askedOf, changed, type Fixture, textPaths, urnOf, withValue } from "./support/world";

const conforming: readonly Fixture[] = [...pods, ...objects, ...awsResources];
const cases = Object.entries<RuleCase>({ ...podCases, ...objectCases, ...awsCases });
const CANARY = "canary-5f2c81";

/** Every text of the resource becomes a canary, or ends with one and keeps its form. */
function withCanaries(
  fixture: Fixture,
  keep: (index: number) => "whole" | "end" | "none",
): Fixture {
  let { inputs } = fixture;
  for (const [index, path] of textPaths(inputs).entries()) {
    const how = keep(index);
    if (how === "none") continue;
    const text = path
      .split(" ")
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], inputs);
    inputs = withValue(inputs, path, how === "whole" ? CANARY : `${String(text)}${CANARY}`);
  }
  return { ...fixture, inputs };
}

function messages(fixtures: readonly Fixture[], id: string, config: object | undefined): string[] {
  return askPack(askedOf(fixtures), {
    only: [id, "inputs-known", "exception-valid", "exception-used"],
    ...(config && { config: { [id]: { ...config } } }),
  }).map(({ message }) => message);
}

describe("no message holds the value of a property", () => {
  it.each(cases.flatMap(([id, { breaks }]) => breaks.map((one) => [id, one.text, one] as const)))(
    "%s, broken by %s",
    (id, _, one) => {
      const broken = applied(conforming, one);
      const told = [one.on, one.told ?? one.on];
      for (const how of ["whole", "end"] as const) {
        const fixtures = broken.map((each) =>
          told.includes(each.name) ? withCanaries(each, () => how) : each,
        );
        expect(messages(fixtures, id, one.config).join("\n")).not.toContain(CANARY);
      }
    },
  );

  it("whatever texts of a resource are canaries, alone or together", () => {
    let seen = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...conforming),
        fc.infiniteStream(fc.constantFrom("whole", "end", "none")),
        (fixture, how) => {
          const choices = [...how.take(200)] as ("whole" | "end" | "none")[];
          const fixtures = changed(conforming, fixture.name, (each) =>
            withCanaries(each, (index) => choices[index] ?? "none"),
          );
          const found = askPack(askedOf(fixtures));
          seen += found.length;
          expect(found.map(({ message }) => message).join("\n")).not.toContain(CANARY);
        },
      ),
      { numRuns: 40 },
    );
    // The rules did fire.
    expect(seen).toBeGreaterThan(10);
  });

  it("nor the name of what an autoscaler measures, which is looked for in another resource", () => {
    const fixtures = changed(conforming, "web-autoscaler", (one) => ({
      ...one,
      inputs: withValue(one.inputs, "spec metrics 0 resource name", CANARY),
    }));
    const all = askPack(askedOf(fixtures));
    const found = all.filter(({ rule }) => rule === "autoscaler-requests-complete");
    expect(found.length).toBeGreaterThan(0);
    for (const { message } of found) {
      expect(message).toMatch(/^spec\.template\.spec\.containers\[\d\]\.resources\.requests must /);
      expect(message).not.toContain(CANARY);
    }
  });

  it("nor a reason of an exception that is not one", () => {
    const annotations = { "policy.drydock.dev/except.image-tag-fixed": CANARY };
    const fixtures = changed(conforming, "web-config", (one) => ({
      ...one,
      inputs: withValue(one.inputs, "metadata annotations", annotations),
    }));
    const found = askPack(askedOf(fixtures));
    expect(found).toHaveLength(1);
    expect(found[0]?.urn).toBe(urnOf({ type: "kubernetes:core/v1:ConfigMap", name: "web-config" }));
    expect(found[0]?.message).not.toContain(CANARY);
  });
});

describe("an unknown anywhere", () => {
  it("makes no rule fail, and none break", () => {
    fc.assert(
      fc.property(fc.constantFrom(...conforming), fc.nat(), (fixture, choice) => {
        const paths = allPaths(fixture.inputs);
        const path = paths[choice % paths.length];
        if (path === undefined) return;
        const fixtures = changed(conforming, fixture.name, (one) => ({
          ...one,
          inputs: withValue(one.inputs, path, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
        }));
        const found = askPack(askedOf(fixtures)).filter(({ rule }) => rule !== "inputs-known");
        expect(found).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

/** Paths of all values, maps and lists too. */
function allPaths(value: unknown, path: readonly string[] = []): string[] {
  const own = path.length === 0 ? [] : [path.join(" ")];
  if (typeof value !== "object" || value === null) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, child]) => allPaths(child, [...path, key])),
  ];
}
