import { execFileSync } from "node:child_process";

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";

import { Secret, UNKNOWN } from "../../toolchain/plugin/values";
import { type RecordingOptions, RecordingError } from "../../review/recording/recorder";
import { record, recordingText } from "../../review/recording/recording";

class Group extends pulumi.ComponentResource {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Group", name, {}, opts);
  }
}

class Thing extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, props: pulumi.Inputs = {}, opts?: pulumi.CustomResourceOptions) {
    super("test:index:Thing", name, { address: undefined, ...props }, opts);
  }
}

const model: RecordingOptions["model"] = {
  resources: {
    "test:index:Thing": ({ name }) => ({
      known: { label: `label of ${name}` },
      computed: { address: `10.0.0.${name.length}` },
    }),
    "pulumi:providers:test": () => ({}),
  },
  functions: { "test:index:double": ({ x }) => ({ y: Number(x) * 2 }) },
};
const run = (body: () => unknown, mode: "preview" | "update" = "update") =>
  record(() => Promise.resolve({ value: body() ?? null }), { mode, model });

async function failures(body: () => unknown): Promise<readonly string[]> {
  const error: unknown = await run(body).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RecordingError);
  return (error as RecordingError).failures;
}

const names = ({ resources }: Awaited<ReturnType<typeof run>>) => resources.map(({ name }) => name);

describe("the recording", () => {
  it("holds parent, provider, dependencies, options and inputs", async () => {
    const { resources } = await run(() => {
      const provider = new (class extends pulumi.ProviderResource {})("test", "explicit", {});
      const group = new Group("group", { provider });
      const first = new Thing("first", { size: 1 }, { parent: group });
      new Thing(
        "second",
        { size: 2, peer: first.address, key: pulumi.secret("k") },
        {
          parent: group,
          protect: true,
          retainOnDelete: true,
          deleteBeforeReplace: true,
          ignoreChanges: ["size"],
          aliases: [{ name: "older" }],
          customTimeouts: { create: "5s" },
        },
      );
    });
    const prefix = "urn:pulumi:test::drydock::";
    expect(resources.map(({ urn }) => urn)).toEqual([
      `${prefix}pulumi:providers:test::explicit`,
      `${prefix}pulumi:pulumi:Stack::drydock-test`,
      `${prefix}test:index:Group$test:index:Thing::first`,
      `${prefix}test:index:Group$test:index:Thing::second`,
      `${prefix}test:index:Group::group`,
    ]);
    expect(resources[3]).toEqual({
      urn: `${prefix}test:index:Group$test:index:Thing::second`,
      type: "test:index:Thing",
      name: "second",
      custom: true,
      parent: `${prefix}test:index:Group::group`,
      provider: `${prefix}pulumi:providers:test::explicit`,
      dependencies: [`${prefix}test:index:Group$test:index:Thing::first`],
      propertyDependencies: { peer: [`${prefix}test:index:Group$test:index:Thing::first`] },
      options: {
        protect: true,
        retainOnDelete: true,
        deleteBeforeReplace: true,
        ignoreChanges: ["size"],
        aliases: [expect.stringContaining("older") as string],
        timeouts: { create: "5s", update: "", delete: "" },
      },
      inputs: { size: 2, peer: "10.0.0.5", key: new Secret("k") },
    });
  });

  it("holds the stack's outputs, with their secrets", async () => {
    const { outputs } = await run(() => ({
      address: new Thing("first").address,
      key: pulumi.secret("k"),
    }));
    expect(outputs).toEqual({ value: { address: "10.0.0.5", key: new Secret("k") } });
  });

  it("knows in a preview what a provider would know", async () => {
    const program = () => {
      const { address } = new Thing("first", { size: 1 });
      new Thing("second", { peer: address });
    };
    const { resources } = await run(program, "preview");
    expect(resources.find(({ name }) => name === "second")?.inputs).toEqual({ peer: UNKNOWN });
  });

  it("misses, in a preview, what is born in apply()", async () => {
    const program = () => {
      new Thing("first").address.apply((address) => new Thing(`born-of-${address}`));
    };
    expect(names(await run(program, "update"))).toContain("born-of-10.0.0.5");
    expect(names(await run(program, "preview"))).not.toContain("born-of-10.0.0.5");
  });

  it("waits for what is born late", async () => {
    const recording = await run(() => {
      void (async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => new Thing("late").urn.apply(resolve));
        new Thing("later");
      })();
    });
    expect(names(recording)).toEqual(expect.arrayContaining(["late", "later"]));
  });

  it("asks the model for functions", async () => {
    const { outputs } = await run(() => pulumi.runtime.invoke("test:index:double", { x: 21 }));
    expect(outputs).toEqual({ value: { y: 42 } });
  });

  it("is the same text twice, and another text for another program", async () => {
    const text = async (size: number) => recordingText(await run(() => new Thing("one", { size })));
    expect(await text(1)).toBe(await text(1));
    expect(await text(1)).not.toBe(await text(2));
  });

  it("leaves a secret recognisable in its text", async () => {
    const recording = await run(() => new Thing("one", { key: pulumi.secret("k") }));
    expect(recordingText(recording)).toContain('"[secret]": "k"');
  });
});

describe("the recording fails", () => {
  it("on a URN that is registered twice", async () => {
    const twice = () => {
      new Thing("same");
      new Thing("same");
    };
    expect(await failures(twice)).toEqual([
      "registered twice: urn:pulumi:test::drydock::test:index:Thing::same",
    ]);
  });

  it("not on one name under two parents", async () => {
    class Other extends pulumi.ComponentResource {
      constructor(name: string) {
        super("test:index:Other", name);
      }
    }
    const recording = await run(() => {
      new Thing("same", {}, { parent: new Group("group") });
      new Thing("same", {}, { parent: new Other("other") });
    });
    expect(names(recording).filter((name) => name === "same")).toHaveLength(2);
  });

  it("on an Output that was made text", async () => {
    // What the SDK writes where it does not throw, as it does in this process.
    const script = 'process.stdout.write(`${require("@pulumi/pulumi").output("x")}`)';
    const env = { PATH: process.env.PATH };
    const text = execFileSync(process.execPath, ["-e", script], { encoding: "utf8", env });
    const program = () => {
      new Thing("one", { text: `of ${text}` });
    };
    expect(await failures(program)).toEqual([
      "an Output was made text in the inputs of urn:pulumi:test::drydock::test:index:Thing::one",
    ]);
  });

  it("on a type that the model does not know", async () => {
    expect(await failures(() => new k8s.core.v1.Namespace("one"))).toContain(
      "the model has no row for the type kubernetes:core/v1:Namespace of " +
        "urn:pulumi:test::drydock::kubernetes:core/v1:Namespace::one",
    );
  });

  it("on a function that the model does not know", async () => {
    expect(await failures(() => pulumi.runtime.invoke("test:index:other", {}))).toEqual([
      "the model has no row for test:index:other",
    ]);
  });

  it("with the program's own error", async () => {
    const broken = () => {
      throw new Error("broken");
    };
    await expect(run(broken)).rejects.toThrow("broken");
  });
});

it("this process throws where an Output is made text", () => {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- the mistake is what is tested
  expect(() => String(pulumi.output("x"))).toThrow("toString");
});
