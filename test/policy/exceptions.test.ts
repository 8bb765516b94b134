import { describe, expect, it } from "vitest";

import { exceptions, exceptionTags } from "../../policy/exceptions";
import { awsResources } from "./support/conforming-aws";
import { objects } from "./support/conforming-objects";
import { pods } from "./support/conforming-pods";
import { askPack, type Inputs, type Reported } from "./support/pack";
import { askedOf, changed, type Fixture, withValue } from "./support/world";

const conforming: readonly Fixture[] = [...pods, ...objects, ...awsResources];
const PRIVILEGED = "spec template spec containers 0 securityContext privileged";
const why = { until: "2027-01-31", reason: "waits for the new image" } as const;
const annotation = "policy.drydock.dev/except.container-not-privileged";

/** The Deployment `web`, privileged, with annotations. */
function told(annotations: Inputs, today?: string): Pick<Reported, "rule" | "level" | "message">[] {
  const fixtures = changed(conforming, "web", (one) => ({
    ...one,
    inputs: withValue(withValue(one.inputs, PRIVILEGED, true), "metadata annotations", annotations),
  }));
  return askPack(askedOf(fixtures), today === undefined ? {} : { today });
}

const names = (found: readonly { rule: string }[]) => found.map(({ rule }) => rule);

describe("an exception", () => {
  it("holds back the findings of its rule on its resource, and is told", () => {
    const found = told(exceptions({ "container-not-privileged": why }));
    expect(names(found)).toEqual(["exception-reported"]);
    expect(found[0]).toMatchObject({
      level: "advisory",
      message: "Exempt from container-not-privileged until 2027-01-31: waits for the new image",
    });
  });

  it("holds on its last day, and is a violation on the next", () => {
    const declared = exceptions({ "container-not-privileged": why });
    expect(names(told(declared, "2027-01-31"))).toEqual(["exception-reported"]);
    const over = told(declared, "2027-02-01");
    expect(names(over)).toEqual(["container-not-privileged", "exception-valid"]);
    expect(over[1]).toMatchObject({ level: "mandatory" });
    expect(over[1]?.message).toContain(
      `metadata.annotations["${annotation}"] ended on 2027-01-31.`,
    );
  });

  it.each([
    ["a misspelt rule", "policy.drydock.dev/except.container-not-priviledged", "2027-01-31 why"],
    ["a rule that allows none", "policy.drydock.dev/except.exception-valid", "2027-01-31 why"],
    ["no date", annotation, "waits for the new image"],
    ["a date that no calendar has", annotation, "2027-02-30 waits"],
    ["no reason", annotation, "2027-01-31"],
    ["an empty reason", annotation, "2027-01-31  "],
    ["an end too far ahead", annotation, "2029-01-31 waits"],
  ])("with %s is a violation and holds nothing back", (_, key, value) => {
    const found = names(told({ [key]: value }));
    expect(found).toEqual(["container-not-privileged", "exception-valid"]);
  });

  it("of another resource holds nothing back", () => {
    const declared = exceptions({ "container-not-privileged": why });
    const fixtures = changed(conforming, "web", (one) => ({
      ...one,
      inputs: withValue(one.inputs, PRIVILEGED, true),
    }));
    const elsewhere = changed(fixtures, "db", (one) => ({
      ...one,
      inputs: withValue(one.inputs, "metadata annotations", declared),
    }));
    expect(names(askPack(askedOf(elsewhere)))).toEqual([
      "container-not-privileged",
      "exception-used",
      "exception-reported",
    ]);
  });

  it("that holds nothing back is told to be left over, for rules over the stack too", () => {
    const declared = exceptions({ "pod-network-policy": why, "container-read-only-root": why });
    const found = told({ ...declared, ...exceptions({ "container-not-privileged": why }) });
    const leftOver = found.filter(({ rule }) => rule === "exception-used");
    expect(leftOver.map(({ message }) => message)).toEqual([
      expect.stringContaining("except.pod-network-policy"),
      expect.stringContaining("except.container-read-only-root"),
    ]);
  });

  it("holds for a rule over the stack", () => {
    const fixtures = changed(
      conforming.filter(({ name }) => name !== "db-budget"),
      "db",
      (one) => ({
        ...one,
        inputs: withValue(
          one.inputs,
          "metadata annotations",
          exceptions({ "workload-disruption-budget": why }),
        ),
      }),
    );
    expect(names(askPack(askedOf(fixtures)))).toEqual(["exception-reported"]);
  });

  it("stands in a tag where the resource is of AWS", () => {
    const fixtures = changed(conforming, "key", (one) => ({
      ...one,
      inputs: {
        ...withValue(one.inputs, "enableKeyRotation", false),
        tags: exceptionTags({ "kms-key-hardened": why }),
      },
    }));
    expect(names(askPack(askedOf(fixtures)))).toEqual(["exception-reported"]);
  });
});

describe("the helpers for programs", () => {
  it("write what the pack reads", () => {
    expect(exceptions({ "image-digest-pinned": why })).toEqual({
      "policy.drydock.dev/except.image-digest-pinned": "2027-01-31 waits for the new image",
    });
    expect(exceptionTags({ "kms-key-hardened": why })).toEqual({
      "drydock:except:kms-key-hardened": "2027-01-31 waits for the new image",
    });
  });

  it("compile with the id of a rule and a date only", () => {
    // @ts-expect-error -- misspelt
    const misspelt = exceptions({ "image-digest-pined": why });
    // @ts-expect-error -- no date
    const endless = exceptions({ "image-digest-pinned": { until: "soon", reason: "why" } });
    expect(Object.keys({ ...misspelt, ...endless })).toHaveLength(2);
  });

  it.each(["waits (see #12)", "", "a".repeat(246)])(
    "refuse %j as the reason in a tag",
    (reason) => {
      expect(() => exceptionTags({ "kms-key-hardened": { until: "2027-01-31", reason } })).toThrow(
        /The reason of the exception from kms-key-hardened is no value of an AWS tag/,
      );
    },
  );
});
