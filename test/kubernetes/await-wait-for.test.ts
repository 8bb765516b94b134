import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { annotationWarnings, timeoutOf } from "../../toolchain/kubernetes/annotations";
import { waitForRule } from "../../toolchain/kubernetes/await/wait-for";
import { parseWaitFor } from "../../toolchain/kubernetes/await/wait-for-syntax";
import type { JsonMap } from "../../toolchain/kubernetes/objects";
import { condition, judge, wordsOf } from "./support/rules";

const verdict = (annotation: string, object: JsonMap | undefined) =>
  judge(waitForRule(parseWaitFor(annotation)), object);

describe("the annotation pulumi.com/waitFor", () => {
  const running = {
    status: {
      phase: "Running",
      ready: true,
      empty: null,
      list: [{ name: "a}b", ready: false }],
      conditions: [condition("Synced", "True"), condition("Reconciling", "False")],
    },
    metadata: { annotations: { "example.com/at": "x=y" } },
  };

  it.each([
    "jsonpath={.status.phase}=Running",
    "jsonpath={ $.status.phase }=Running",
    "jsonpath={.status.phase}",
    "jsonpath={.status.ready}=true",
    "jsonpath={.status.empty}",
    "jsonpath={.status.list}",
    "jsonpath={.status.list[*].name}=a}b",
    "jsonpath={.status.list[?@.name=='a}b'].ready}=false",
    "jsonpath={.status[?@ == 'Running' || @ == 'Succeeded']}",
    "jsonpath={.status.list[?@.name!='b']}",
    "jsonpath={.metadata.annotations['example.com/at']}=x=y",
    "condition=Synced",
    "condition=synced=true",
    "condition=Reconciling=False",
    '["jsonpath={.status.phase}", "condition=Synced"]',
  ])("is met by %s", (annotation) => {
    expect(verdict(annotation, running).state).toBe("done");
  });

  it.each([
    ["jsonpath={.status.phase}=Failed", 'found "Running"'],
    ["jsonpath={.status.none}", "the path selects nothing"],
    ["condition=Ready", "the object has no such condition"],
    ["condition=Synced=False", "it is True"],
    ['["condition=Synced", "condition=Reconciling"]', '"condition=Reconciling" is not met'],
  ])("waits as %s asks, and says what it found", (annotation, words) => {
    const found = verdict(annotation, running);
    expect(found.state).toBe("waiting");
    expect(wordsOf(found)).toContain("pulumi.com/waitFor: ");
    expect(wordsOf(found)).toContain(words);
  });

  it("waits until the newest generation has been seen", () => {
    const old = { status: { ...running.status, observedGeneration: 1 } };
    expect(verdict("jsonpath={.status.phase}", old).state).toBe("waiting");
    expect(verdict("condition=Synced", old).state).toBe("waiting");
    const conditions = [condition("Synced", "True", { observedGeneration: 1 })];
    expect(verdict("condition=Synced", { status: { conditions } }).state).toBe("waiting");
  });

  it("fails where waiting cannot help", () => {
    expect(wordsOf(verdict("jsonpath={.status.list}=a", running))).toContain(
      "selects a list or an object, which no value equals",
    );
    expect(verdict("condition=Synced", undefined).state).toBe("failed");
  });

  it.each([
    ["Ready", 'must begin with "jsonpath=" or "condition="'],
    ["condition=", "needs a type"],
    ["jsonpath='{.status}'", "without the quotes"],
    ["jsonpath=.status", "in braces"],
    ["jsonpath={.status", "in braces"],
    ["jsonpath={.status}=", 'needs a value after "="'],
    ["jsonpath={.status}x", 'nothing but "=value"'],
    ["jsonpath={.list[].name}", "is no JSONPath as RFC 9535 has it: empty bracketed segment"],
    ["[]", "must be a JSON array of one or more strings"],
    ["[1]", "must be a JSON array of one or more strings"],
    ["[jsonpath={.status}]", "must be a JSON array of one or more strings"],
  ])("refuses %s with annotation, expression and rule", (annotation, rule) => {
    expect(() => parseWaitFor(annotation)).toThrow(rule);
    expect(() => parseWaitFor(annotation)).toThrow("annotation pulumi.com/waitFor: ");
    expect(() => parseWaitFor(annotation)).toThrow(annotation);
  });

  it("names all that is wrong in a list", () => {
    const parse = () => parseWaitFor('["Ready", "condition=A", "jsonpath={.a}="]');
    expect(parse).toThrow('"Ready": must begin with');
    expect(parse).toThrow('"jsonpath={.a}=": needs a value');
    expect(parse).not.toThrow("condition=A");
  });

  it("never throws anything but a refusal that names the annotation", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom("", "jsonpath={.", "condition=", "["),
        (text, start) => {
          try {
            expect(parseWaitFor(start + text).length).toBeGreaterThan(0);
          } catch (error) {
            expect((error as Error).message).toContain("annotation pulumi.com/waitFor: ");
          }
        },
      ),
    );
  });
});

describe("the annotation pulumi.com/timeoutSeconds", () => {
  const object = (timeout: string) => ({
    metadata: { annotations: { "pulumi.com/timeoutSeconds": timeout } },
  });

  it.each([
    ["the program's customTimeouts", "30", 5, 5],
    ["the annotation", "30", undefined, 30],
    ["the annotation, as zero is no time", "30", 0, 30],
    ["the default, as zero is no time", "0", undefined, 600],
    ["the default, as text is no number", "10m", undefined, 600],
    ["the default, as a part of a second is none", "1.5", undefined, 600],
  ])("%s holds", (_, annotation, custom, seconds) => {
    expect(timeoutOf(object(annotation), custom)).toBe(seconds);
    expect(annotationWarnings(object(annotation))).toHaveLength(seconds === 600 ? 1 : 0);
  });

  it("is told when it says nothing, like a policy of deletion that does not exist", () => {
    expect(annotationWarnings(object("10m"))).toEqual([
      'annotation pulumi.com/timeoutSeconds: "10m" is no positive whole number of seconds, so ' +
        "the default of 600 s holds.",
    ]);
    const annotations = { "pulumi.com/deletionPropagationPolicy": "now" };
    expect(annotationWarnings({ metadata: { annotations } })[0]).toContain('"now" is none of');
  });
});
