import { describe, expect, it } from "vitest";

import {
  turnOver,
  needsTurnover,
  ownersOf,
  ownedByPulumi,
} from "../../toolchain/kubernetes/managed-fields";
import { markSecrets, masking } from "../../toolchain/kubernetes/secrets";
import {
  inputsAfterDrift,
  inputsFromLive,
  liveOf,
  toOutputs,
  undecidedOutputs,
} from "../../toolchain/kubernetes/state";
import {
  containsSecret,
  PartialFailure,
  PluginError,
  Secret,
  UNKNOWN,
} from "../../toolchain/plugin/serve";

describe("secrets in outputs", () => {
  it("are marked at the path at which they were declared", () => {
    const inputs = { data: { a: new Secret("x"), b: "y" } };
    expect(markSecrets({ data: { a: "x", b: "y", c: "z" } }, inputs)).toEqual({
      data: { a: new Secret("x"), b: "y", c: "z" },
    });
  });

  it("are found again where an item has moved or a text was copied", () => {
    const inputs = { list: [{ value: new Secret("long-enough") }] };
    const live = { list: [{ value: "other" }, { value: "long-enough" }], note: "is long-enough." };
    expect(markSecrets(live, inputs)).toEqual({
      list: [{ value: new Secret("other") }, { value: new Secret("long-enough") }],
      note: new Secret("is long-enough."),
    });
  });

  it("cover all data of a Secret and kubectl's copy of it", () => {
    const annotation = "kubectl.kubernetes.io/last-applied-configuration";
    const live = {
      kind: "Secret",
      metadata: { annotations: { [annotation]: "{}", other: "x" } },
      data: { a: "eA==" },
    };
    expect(markSecrets(live, {})).toEqual({
      kind: "Secret",
      metadata: { annotations: { [annotation]: new Secret("{}"), other: "x" } },
      data: new Secret({ a: "eA==" }),
    });
  });

  it("are masked in errors, also as base64 and in the reasons of a partial failure", async () => {
    const inputs = { a: new Secret("s3cret-value") };
    const encoded = Buffer.from("s3cret-value").toString("base64");
    await expect(
      masking(inputs, () => Promise.reject(new PluginError(`bad s3cret-value ${encoded}`))),
    ).rejects.toThrow(/^bad \[secret\] \[secret\]$/);
    const partial = new PartialFailure("id", { a: "out" }, ["saw s3cret-value"]);
    await expect(masking(inputs, () => Promise.reject(partial))).rejects.toMatchObject({
      reasons: ["saw [secret]"],
      outputs: { a: "out" },
    });
  });
});

describe("state", () => {
  it("holds the live object, the inputs and the marks, and gives the object back", () => {
    const live = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "x" } };
    const inputs = { ...live, data: { a: new Secret("x") } };
    const marks = { initialApiVersion: "v1", fieldManager: "pulumi-kubernetes-0a1b2c3d" };
    const outputs = toOutputs(live, inputs, marks);
    expect(outputs).toEqual({
      ...live,
      data: { a: new Secret("x") },
      __inputs: inputs,
      __initialApiVersion: "v1",
      __fieldManager: "pulumi-kubernetes-0a1b2c3d",
    });
    expect(liveOf(outputs)).toEqual(live);
  });

  it("of an import leaves out what only the server sets", () => {
    const metadata = {
      name: "a",
      labels: { a: "b" },
      annotations: { "drydock/created-for": "x", kept: "y" },
      uid: "u",
      resourceVersion: "1",
      managedFields: [],
    };
    expect(inputsFromLive({ kind: "X", metadata, spec: { a: 1 }, status: {} })).toEqual({
      kind: "X",
      metadata: { name: "a", labels: { a: "b" }, annotations: { kept: "y" } },
      spec: { a: 1 },
    });
  });
});

describe("inputs after a refresh", () => {
  const inputs = { spec: { cpu: "1000m", list: ["a", "b"], env: [{ name: "A", value: "1" }] } };
  const before = {
    spec: { cpu: "1", list: ["a", "b"], env: [{ name: "A", value: "1" }], filledIn: true },
  };
  const after = (spec: object) =>
    inputsAfterDrift(inputs, before, { spec: { ...before.spec, ...spec } });

  it("keep their declared form while the live value stays", () => {
    expect(after({ filledIn: false })).toEqual(inputs);
  });

  it("follow a changed, a removed and a reshaped field", () => {
    expect(after({ cpu: "2" })).toEqual({ spec: { ...inputs.spec, cpu: "2" } });
    expect(after({ cpu: undefined as never }).spec).not.toHaveProperty("cpu");
    expect(after({ list: ["a"] })).toEqual({ spec: { ...inputs.spec, list: ["a"] } });
    const env = [{ name: "A", value: "2", valueFrom: "ignored" }];
    expect(after({ env })).toEqual({ spec: { ...inputs.spec, env: [{ name: "A", value: "2" }] } });
  });

  it("stay secret", () => {
    const secret = { data: new Secret({ a: "1" }) };
    const drifted = inputsAfterDrift(secret, { data: { a: "1" } }, { data: { a: "2" } });
    expect(drifted).toEqual({ data: new Secret({ a: "2" }) });
    expect(containsSecret(drifted)).toBe(true);
  });
});

describe("outputs of a preview without the server", () => {
  it("know the address of a Service that has one, unless its type changes", () => {
    const live = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", uid: "u", managedFields: [] },
      spec: { type: "LoadBalancer", clusterIP: "10.0.0.1", ports: [{ port: 80 }] },
      status: { loadBalancer: { ingress: [{ ip: "127.0.0.1" }] } },
    };
    const inputs = (type: string) => ({ kind: "Service", spec: { type, selector: UNKNOWN } });
    expect(undecidedOutputs(inputs("LoadBalancer"), live)).toEqual({
      ...live,
      metadata: { name: "web", uid: "u", resourceVersion: UNKNOWN },
      spec: { ...live.spec, selector: UNKNOWN },
    });
    expect(undecidedOutputs(inputs("ClusterIP"), live).status).toBe(UNKNOWN);
  });
});

describe("managed fields", () => {
  const created = {
    metadata: {
      managedFields: [
        {
          manager: "pulumi-kubernetes",
          operation: "Update",
          fieldsV1: { "f:data": { "f:a": {} } },
        },
        {
          manager: "pulumi-kubernetes",
          operation: "Update",
          subresource: "status",
          fieldsV1: { "f:status": {} },
        },
        { manager: "kubectl", operation: "Update", fieldsV1: { "f:metadata": {} } },
      ],
    },
  };

  const whole = { manager: "pulumi-kubernetes-1", part: false };

  it("turn over from the create to the applying manager, all others left alone", () => {
    expect(needsTurnover(created, whole)).toBe(true);
    const managedFields = turnOver(created, whole);
    expect(managedFields).toEqual([
      created.metadata.managedFields[1],
      created.metadata.managedFields[2],
      { manager: "pulumi-kubernetes-1", operation: "Apply", fieldsV1: { "f:data": { "f:a": {} } } },
    ]);
    expect(needsTurnover({ metadata: { managedFields } }, whole)).toBe(false);
  });

  it("keep what an earlier apply owned", () => {
    const applied = {
      manager: "pulumi-kubernetes-1",
      operation: "Apply",
      fieldsV1: { "f:data": { "f:b": {} } },
    };
    const both = { metadata: { managedFields: [applied, ...created.metadata.managedFields] } };
    expect(turnOver(both, whole).at(-1)).toMatchObject({
      fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } },
    });
  });

  it("of a part come from its former manager alone, never from the object's creator", () => {
    const former = { manager: "one", operation: "Apply", fieldsV1: { "f:data": { "f:b": {} } } };
    const live = { metadata: { managedFields: [...created.metadata.managedFields, former] } };
    expect(needsTurnover(live, { manager: "two", part: true })).toBe(false);
    const handover = { manager: "two", part: true, former: "one" };
    expect(needsTurnover(live, handover)).toBe(true);
    const managedFields = turnOver(live, handover);
    expect(managedFields).toEqual([
      ...created.metadata.managedFields,
      { ...former, manager: "two" },
    ]);
  });

  it("answer for a path, and say yes where there is nothing to ask", () => {
    expect(ownedByPulumi(created, ["data", "a"])).toBe(true);
    expect(ownedByPulumi(created, ["data"])).toBe(true);
    expect(ownedByPulumi(created, ["data", "b"])).toBe(false);
    expect(ownedByPulumi(created, ["metadata"])).toBe(false);
    expect(ownedByPulumi({}, ["anything"])).toBe(true);
    expect(ownedByPulumi(created, ["metadata"], "kubectl")).toBe(true);
    expect(ownersOf(created, ["metadata"])).toEqual(["kubectl"]);
  });
});
