import * as fs from "node:fs";
import * as path from "node:path";

import { describe, expect, it } from "vitest";

import { defaultLevel } from "../../policy/rule";
import { rules } from "../../policy/rules";
import { recordProgram } from "../../review/recording/program";
import { root } from "../../review/recording/stack-file";
import { recordings } from "../support/stacks";
import { askPack, type Inputs, type PackOptions, type Reported } from "./support/pack";
import { asked } from "./support/recorded";

/** A new stack file joins by itself. */
const stacks = fs
  .readdirSync(root)
  .flatMap((name) => /^Pulumi\.([^.]+)\.yaml$/.exec(name)?.[1] ?? []);

/** Parameters of the rules in the stack's configuration; its levels are left aside. */
function parameters(stack: string): PackOptions["config"] {
  const file = path.join(root, `policy/config/${stack}.json`);
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, string | Inputs>;
  const entries = Object.entries(config).filter(([, value]) => typeof value !== "string");
  return Object.fromEntries(entries) as PackOptions["config"];
}

function disabled(stack: string): string[] {
  const file = path.join(root, `policy/config/${stack}.json`);
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
  return Object.keys(config).filter((id) => config[id] === "disabled");
}

const short = ({ rule, urn, message }: Reported) =>
  `${rule} ${urn.split("::").at(-1) ?? ""}: ${message}`;

const told = ["exception-reported", "inputs-known"];

it("dev is among the stacks", () => {
  expect(stacks).toContain("dev");
});

describe.each(stacks)("stack %s", (stack) => {
  it.each(["preview", "update"] as const)("keeps every rule in a recorded %s", async (mode) => {
    const recording = await recordProgram(stack, mode);
    const off = disabled(stack);
    const found = askPack(asked(recording), { config: parameters(stack) ?? {} });
    const broken = found.filter(({ rule }) => ![...told, ...off].includes(rule));
    expect(broken.map(short)).toEqual([]);
  });

  /** Else an update would stop at such a rule with a part of it done, where the preview said nothing. */
  it("lets a preview decide every rule that can stop an update", async () => {
    const stopping = rules.filter(
      ({ check, severity }) => check !== undefined && defaultLevel(severity) === "mandatory",
    );
    expect(stopping.length).toBeGreaterThan(40);
    const found = askPack(asked(await recordProgram(stack, "preview")), {
      only: [...stopping.map(({ id }) => id), "inputs-known"],
    });
    expect(found.filter(({ rule }) => rule === "inputs-known").map(short)).toEqual([]);
  });
});

describe("prod with external secrets", () => {
  it.each(["preview", "update"] as const)("keeps every rule in a recorded %s", async (mode) => {
    const recording = (await recordings("prod with external secrets"))[mode];
    const found = askPack(asked(recording), { config: parameters("prod") ?? {} });
    const broken = found.filter(({ rule }) => ![...told, ...disabled("prod")].includes(rule));
    expect(broken.map(short)).toEqual([]);
  });
});

describe("dev", () => {
  it("tells its exceptions, and what is judged later", async () => {
    const found = askPack(asked(await recordProgram("dev", "preview")));
    const reported = found.filter(({ rule }) => told.includes(rule)).map(short);
    expect(reported.sort()).toMatchInlineSnapshot(`
      [
        "exception-reported cluster-coredns-config: Exempt from object-namespace-set until 2027-04-30: the cluster's name server is looked for where kubeadm and EKS install it",
        "exception-reported cluster-coredns: Exempt from object-namespace-set until 2027-04-30: the cluster's name server is looked for where kubeadm and EKS install it",
        "exception-reported cluster-coredns: Exempt from object-namespace-set until 2027-04-30: the cluster's name server is looked for where kubeadm and EKS install it",
        "exception-reported cluster-coredns: Exempt from object-namespace-set until 2027-04-30: the cluster's name server is looked for where kubeadm and EKS install it",
        "exception-reported cluster-coredns: Exempt from object-namespace-set until 2027-04-30: the cluster's name server is looked for where kubeadm and EKS install it",
        "exception-reported cluster-coredns: Exempt from workload-min-replicas until 2027-04-30: a local cluster has one real node: a second pod there would fail with the first",
        "exception-reported cluster-metrics-authentication: Exempt from object-namespace-set until 2027-04-30: metrics are looked for where metrics-server's own manifests and EKS install it",
        "exception-reported cluster-metrics-authentication: Exempt from role-binding-complete until 2027-04-30: Kubernetes itself has this role, although its name does not begin with system:",
        "exception-reported cluster-metrics: Exempt from object-namespace-set until 2027-04-30: metrics are looked for where metrics-server's own manifests and EKS install it",
        "exception-reported cluster-metrics: Exempt from object-namespace-set until 2027-04-30: metrics are looked for where metrics-server's own manifests and EKS install it",
        "exception-reported cluster-metrics: Exempt from object-namespace-set until 2027-04-30: metrics are looked for where metrics-server's own manifests and EKS install it",
        "exception-reported cluster-metrics: Exempt from pod-network-policy until 2027-04-30: policies for kube-system would be the cluster's own add-ons' only",
        "exception-reported cluster-metrics: Exempt from workload-min-replicas until 2027-04-30: a local cluster has one real node: a second pod there would fail with the first",
        "exception-reported cluster-storage: Exempt from container-liveness-probe until 2027-04-30: it listens at no port",
        "exception-reported cluster-storage: Exempt from container-readiness-probe until 2027-04-30: it listens at no port",
        "exception-reported cluster-storage: Exempt from namespace-pod-security until 2027-04-30: its pods make and clear the folders of volumes on the node: restricted forbids that",
        "exception-reported cluster-storage: Exempt from namespace-quota until 2027-04-30: one small pod runs here for each volume that comes or goes: a quota would only delay",
        "exception-reported cluster-storage: Exempt from role-no-escalation until 2027-04-30: a volume's folder is made by a pod on its node, in this namespace alone",
        "exception-reported cluster-storage: Exempt from role-no-escalation until 2027-04-30: to write PersistentVolumes is what it is for",
        "exception-reported cluster-storage: Exempt from workload-min-replicas until 2027-04-30: a local cluster has one real node: a second pod there would fail with the first",
        "exception-reported cluster-storage: Exempt from workload-rolling-update until 2027-04-30: two of it at a time would each make every volume",
        "exception-reported uploader: Exempt from workload-min-replicas until 2027-04-30: its files lie on one volume, which one pod has at a time",
        "inputs-known cluster-coredns: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
        "inputs-known cluster-metrics: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
        "inputs-known cluster-storage: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
        "inputs-known nginx: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
        "inputs-known renderer: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
        "inputs-known uploader: Judged when it is known: spec.template.spec.containers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always); spec.template.spec.initContainers[0].image (image-tag-fixed, image-digest-pinned, image-pull-always)",
      ]
    `);
  });

  it("would be told of its exceptions once their time is over", async () => {
    const asking = asked(await recordProgram("dev", "update"));
    const found = askPack(asking, { today: "2027-05-01" }).filter(
      ({ rule }) => !disabled("dev").includes(rule),
    );
    const over = found.filter(({ rule }) => rule === "exception-valid");
    expect(over.length).toBe(22);
    for (const { message } of over) expect(message).toContain("ended on 2027-04-30");
    expect(new Set(found.map(({ rule }) => rule))).toEqual(
      new Set([
        "exception-valid",
        "object-namespace-set",
        "workload-min-replicas",
        "pod-network-policy",
        "role-binding-complete",
        "role-no-escalation",
        "namespace-pod-security",
        "namespace-quota",
        "workload-rolling-update",
        "container-liveness-probe",
        "container-readiness-probe",
      ]),
    );
  });
});
