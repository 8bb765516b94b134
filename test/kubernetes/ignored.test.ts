import { describe, expect, it } from "vitest";

import { leavingIgnored } from "../../toolchain/kubernetes/ignored";
import type { KubernetesObject } from "../../toolchain/kubernetes/objects";

describe("fields whose changes the program ignores", () => {
  const declared: KubernetesObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels: { a: "declared" } },
    spec: { replicas: 2, containers: [{ image: "a" }, { image: "b" }] },
  };
  const live: KubernetesObject = {
    ...declared,
    metadata: {
      managedFields: [
        { manager: "hpa", fieldsV1: { "f:spec": { "f:replicas": {} } } },
        {
          manager: "ours",
          fieldsV1: {
            "f:metadata": { "f:labels": { "f:a": {} } },
            "f:spec": { "f:containers": {} },
          },
        },
      ],
      labels: { a: "live" },
    },
    spec: { replicas: 5, containers: [{ image: "x" }, { image: "y" }] },
  };
  const leaving = (...paths: string[]) => leavingIgnored(declared, live, paths, ["ours"]);

  it("are left out where only others own them", () => {
    expect(leaving("spec.replicas").spec).toEqual({
      containers: [{ image: "a" }, { image: "b" }],
    });
    expect(declared.spec).toHaveProperty("replicas");
  });

  it("keep their live value where they are ours", () => {
    expect(leaving("metadata.labels").metadata.labels).toEqual({ a: "live" });
    expect(leaving("spec.containers[*].image").spec).toEqual({
      replicas: 2,
      containers: [{ image: "x" }, { image: "y" }],
    });
    expect(leaving("spec.containers[1].image").spec).toMatchObject({
      containers: [{ image: "a" }, { image: "y" }],
    });
  });

  it("stay as declared where the object does not have them", () => {
    expect(leaving("spec.missing", "nothing[*].here", "spec.containers[7]")).toEqual(declared);
  });
});
