import { beforeAll, describe, expect, it } from "vitest";

import type { RecordedResource } from "../../review/recording/recorded";
import { type StackName, title, updateOf } from "../support/stacks";

type Match = (one: RecordedResource) => boolean;

const type =
  (end: string): Match =>
  (one) =>
    one.type.endsWith(`:${end}`);
const named =
  (end: string, part: string): Match =>
  (one) =>
    one.type.endsWith(`:${end}`) && one.name.includes(part);
const loadBalanced: Match = ({ type: kind, inputs }) =>
  kind === "kubernetes:core/v1:Service" &&
  (inputs.spec as { readonly type?: string }).type === "LoadBalancer";

/** The order in which a cluster on EKS comes up; the engine takes it down the other way round. */
const steps: readonly { readonly name: string; readonly match: Match }[] = [
  { name: "roles, keys, logs and network", match: named("Role", "control-plane") },
  { name: "control plane", match: type("Cluster") },
  { name: "daemons", match: named("Addon", "daemons") },
  { name: "nodes", match: type("NodeGroup") },
  { name: "add-ons", match: named("Addon", "addons") },
  {
    name: "Kubernetes provider",
    match: ({ type: kind }) => kind === "pulumi:providers:kubernetes",
  },
  { name: "controllers", match: type("Release") },
  { name: "Service with a load balancer", match: loadBalanced },
];

describe.each<StackName>(["prod", "small", "prod in Auto Mode", "prod with external secrets"])(
  "the order of the stack %s",
  (stack) => {
    let resources: readonly RecordedResource[];
    let before: (one: RecordedResource) => ReadonlySet<string>;
    beforeAll(async () => {
      resources = (await updateOf(stack)).resources;
      before = needs(resources);
    });

    const all = (match: Match) => resources.filter(match);
    /** Pairs of which the later one does not need the earlier one. */
    const loose = (earlier: Match, later: Match) =>
      all(later).flatMap((one) =>
        all(earlier)
          .filter(({ urn }) => !before(one).has(urn))
          .map((missing) => `${title(one)} does not wait for ${title(missing)}`),
      );

    it("is that of the steps, each after all of the one before", () => {
      const present = steps.filter(({ match }) => all(match).length > 0);
      const wrong = present.flatMap(({ match }, index) => {
        const earlier = present[index - 1];
        return earlier === undefined ? [] : loose(earlier.match, match);
      });
      expect(wrong).toEqual([]);
      // In Auto Mode there are no daemons, nodes and controllers but those that EKS runs.
      expect(present.length).toBe(stack === "prod in Auto Mode" ? 5 : steps.length);
    });

    it("gives the control plane its rights, log group and key first, and takes them last", () => {
      expect(loose(named("RolePolicyAttachment", "control-plane"), type("Cluster"))).toEqual([]);
      expect(loose(named("RolePolicy", "control-plane"), type("Cluster"))).toEqual([]);
      expect(loose(named("LogGroup", "control-plane"), type("Cluster"))).toEqual([]);
      expect(loose(type("Subnet"), type("Cluster"))).toEqual([]);
      expect(loose(named("Key", "secrets"), type("Cluster"))).toEqual([]);
    });

    it("lets nodes go before their rights, their routes and their network", () => {
      const node: Match = (one) => type("NodeGroup")(one) || type("NodePool")(one);
      for (const kind of ["Route", "RouteTableAssociation", "NatGateway", "VpcEndpoint"]) {
        expect(loose(type(kind), node)).toEqual([]);
      }
      expect(loose(named("RolePolicyAttachment", "cluster-node-role"), node)).toEqual([]);
    });

    it("lets every Kubernetes object go before access to the cluster does", () => {
      const object: Match = ({ type: kind }) => kind.startsWith("kubernetes:");
      expect(loose(named("AccessPolicyAssociation", "pulumi"), object)).toEqual([]);
      expect(loose(named("AccessEntry", "pulumi"), object)).toEqual([]);
    });

    it("lets what asks AWS for something go before the one that answers", () => {
      const workload: Match = ({ type: kind, parent }) =>
        kind.startsWith("kubernetes:") && /::(?:nginx|renderer|uploader|platform.*)$/.test(parent);
      expect(all(workload).length).toBeGreaterThan(5);
      for (const kind of ["Release", "StorageClass", "NodePool"]) {
        expect(loose(type(kind), workload)).toEqual([]);
      }
      expect(loose(type("EC2NodeClass"), type("NodePool"))).toEqual([]);
      expect(loose(named("Release", "karpenter"), type("EC2NodeClass"))).toEqual([]);
      expect(loose(type("MountTarget"), named("StorageClass", "efs"))).toEqual([]);
    });

    it("gives a controller its rights before it starts", () => {
      for (const controller of ["karpenter", "load-balancers"]) {
        const release = named("Release", controller);
        expect(loose(named("PodIdentityAssociation", controller), release)).toEqual([]);
        expect(loose(named("RolePolicy", controller), release)).toEqual([]);
      }
      expect(loose(named("RolePolicy", "ebs-csi"), named("Addon", "ebs-csi"))).toEqual([]);
    });

    it("gives a workload its rights, and who reads its secrets, before its pods start", () => {
      const pods = type("StatefulSet");
      for (const kind of ["PodIdentityAssociation", "RolePolicy", "SecretProviderClass"]) {
        expect(loose(named(kind, "uploader"), pods)).toEqual([]);
      }
      expect(loose(named("Addon", "secrets-store"), type("SecretProviderClass"))).toEqual([]);
      const secured = stack === "prod with external secrets" ? 1 : 0;
      expect(all(type("SecretProviderClass"))).toHaveLength(secured);
      expect(all(named("PodIdentityAssociation", "uploader"))).toHaveLength(secured);
    });
  },
);

/** All that the engine makes before a resource: its dependencies, its parent, its provider, and theirs. */
function needs(resources: readonly RecordedResource[]) {
  const byUrn = new Map(resources.map((one) => [one.urn, one]));
  const known = new Map<string, ReadonlySet<string>>();
  const visit = (one: RecordedResource): ReadonlySet<string> => {
    const found = known.get(one.urn);
    if (found !== undefined) return found;
    const direct = [...one.dependencies, one.parent, one.provider].filter((urn) => urn !== "");
    const all = new Set(
      direct.flatMap((urn) => {
        const next = byUrn.get(urn);
        return [urn, ...(next === undefined ? [] : visit(next))];
      }),
    );
    known.set(one.urn, all);
    return all;
  };
  return visit;
}
