import type { Finding } from "../field";
import { oneOf, some } from "../logic";
import type { Resource } from "../resource";
import { integer, rule, texts } from "../rule";
import {
  CLUSTERS,
  type ControlPlane,
  controlPlane,
  isEverywhere,
  NODE_GROUP,
  SUBNET,
} from "../views/aws";

const ADDON = "aws:eks/addon:Addon";
const LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

const judged = (judge: (plane: ControlPlane) => Iterable<Finding>) =>
  function* (resource: Resource): Iterable<Finding> {
    const plane = controlPlane(resource);
    if (plane !== undefined) yield* judge(plane);
  };

export const eks = [
  rule({
    id: "eks-endpoint-restricted",
    title: "The API of a cluster is private, or open to listed addresses only.",
    severity: "critical",
    applies: CLUSTERS,
    why: "Absent counts as public: the whole Internet may try its passwords and bugs there.",
    references: ["CIS EKS 5.4.1", "CIS EKS 5.4.2", "AWS FSBP EKS.1", "CKV_AWS_38", "CKV_AWS_39"],
    fix: "Set endpointPublicAccess to false, or publicAccessCidrs to your addresses without 0.0.0.0/0.",
    check: judged(function* ({ publicAccess, publicCidrs }) {
      if (publicAccess.isUnknown || publicAccess.value === false) return;
      if (publicCidrs.isAbsent)
        yield publicAccess.finding("must be false, or limited to addresses");
      for (const range of publicCidrs.items()) {
        yield* range.must((text) => !isEverywhere(text), "must not be every address");
      }
    }),
  }),
  rule({
    id: "eks-secrets-encrypted",
    title: "Secrets of a cluster are encrypted with a key of its own.",
    severity: "high",
    applies: CLUSTERS,
    why: "Only a key of one's own can be taken away, and shows in its log who used it.",
    references: ["CIS EKS 5.3.1", "AWS FSBP EKS.3", "CKV_AWS_58"],
    fix: "Set encryptionConfigKeyArn (encryptionConfig.provider.keyArn of aws.eks.Cluster) to a KMS key.",
    check: judged(({ keyArn }) => keyArn.mustBeSet()),
  }),
  rule({
    id: "eks-control-plane-logs",
    title: "The control plane logs what is asked of it.",
    severity: "medium",
    applies: CLUSTERS,
    why: "Without the audit log nobody can say what an intruder did.",
    references: ["CIS EKS 2.1.1", "AWS FSBP EKS.8", "CKV_AWS_37"],
    fix: "Set enabledClusterLogTypes.",
    parameters: { types: texts(LOG_TYPES, "Kinds of log that a cluster must write.") },
    *check(resource, { types }) {
      const logs = controlPlane(resource)?.logTypes;
      const enabled = logs?.texts();
      if (logs === undefined || enabled === undefined) return;
      const missing = types.filter((type) => !enabled.includes(type));
      if (missing.length > 0) yield logs.finding(`must contain ${missing.join(", ")}`);
    },
  }),
  rule({
    id: "eks-version-supported",
    title: "A cluster names a version in standard support.",
    severity: "medium",
    applies: CLUSTERS,
    why: "Without a version the cluster gets the newest; after standard support each hour costs six times as much.",
    references: ["AWS FSBP EKS.2", "CKV_AWS_339"],
    fix: "Set version to a minor version that EKS supports.",
    parameters: {
      versions: texts(["1.34", "1.35", "1.36"], "Minor versions in standard support."),
    },
    *check(resource, { versions }) {
      const wanted = `must be one of ${versions.join(", ")}`;
      yield* controlPlane(resource)?.version.must(oneOf(versions), wanted) ?? [];
    },
  }),
  rule({
    id: "eks-standard-support",
    title: "A cluster does not slide into extended support.",
    severity: "medium",
    applies: CLUSTERS,
    why: "Extended support is the default, and costs six times as much.",
    references: ["EKS documentation: cluster upgrade policy"],
    fix: "Set upgradePolicy.supportType to STANDARD.",
    check: judged(({ supportType }) => supportType.mustBe("STANDARD")),
  }),
  rule({
    id: "eks-deletion-protected",
    title: "A cluster cannot be deleted by one call.",
    severity: "high",
    applies: CLUSTERS,
    why: "protect binds Pulumi only; this binds the console and every other tool.",
    references: ["EKS documentation: deletion protection"],
    fix: "Set deletionProtection to true.",
    check: judged(({ deletionProtection }) => deletionProtection.mustBe(true)),
  }),
  rule({
    id: "eks-access-entries",
    title: "Access to a cluster is declared by access entries alone.",
    severity: "critical",
    applies: [...CLUSTERS, "aws:eks/accessEntry:AccessEntry"],
    why: "The ConfigMap aws-auth is edited by hand, and one mistake locks everybody out or in.",
    references: ["CIS EKS 4.1.7", "Pulumi pack: eks-cluster-access-manager-enabled"],
    fix: "Set authenticationMode to API, and no kubernetesGroups with system:masters.",
    *check(resource) {
      const mode = controlPlane(resource)?.authenticationMode;
      yield* mode?.must((value) => value === "API" || value === "Api", "must be API") ?? [];
      const entries = resource
        .at("accessEntries")
        .entries()
        .map(([, entry]) => entry);
      for (const entry of [resource.at(), ...entries]) {
        for (const group of entry.at("kubernetesGroups").items()) {
          yield* group.mustNotBe("system:masters");
        }
      }
    },
  }),
  rule({
    id: "eks-network-policy-engine",
    title: "The cluster's network enforces network policies.",
    severity: "high",
    applies: [ADDON],
    why: "Where nothing enforces them, they are only text.",
    references: ["CIS EKS 4.3.1", "CIS EKS 5.4.4", "Pulumi pack: eks-network-policy-enabled"],
    fix: 'Set configurationValues of the add-on vpc-cni to JSON with "enableNetworkPolicy": "true".',
    *check(resource) {
      if (resource.at("addonName").value !== "vpc-cni") return;
      const on = (value: unknown) =>
        typeof value === "string" && /"enableNetworkPolicy"\s*:\s*"?true"?/.test(value);
      yield* resource.at("configurationValues").must(on, "must switch on enableNetworkPolicy");
    },
  }),
  rule({
    id: "eks-addon-version-pinned",
    title: "Every add-on names its version.",
    severity: "low",
    applies: [ADDON],
    why: "Without it the add-on is another one after each new creation.",
    references: ["EKS documentation: add-ons"],
    fix: "Set addonVersion.",
    *check(resource) {
      yield* resource.at("addonVersion").mustBeSet();
    },
  }),
  rule({
    id: "eks-two-zones",
    title: "Nodes stand in several zones, and there are several of them.",
    severity: "medium",
    applies: [NODE_GROUP],
    why: "A zone fails as a whole.",
    references: ["EKS best-practices guide: data plane", "AWS FSBP AutoScaling.2"],
    fix: "Set subnetIds to subnets of several zones, and scalingConfig.minSize to at least the minimum.",
    parameters: { minimum: integer(2, "Fewest nodes of all groups, and fewest zones.", 1) },
    *checkStack(stack, { minimum }) {
      const groups = stack.of(NODE_GROUP);
      const [first] = groups;
      if (first === undefined) return;
      const sizes = groups.map((one) => one.at("scalingConfig", "minSize"));
      const nodes = sizes.reduce((sum, size) => sum + (size.number ?? 0), 0);
      if (nodes < minimum && !sizes.some((size) => size.isUnknown)) {
        yield first.finding(
          "scalingConfig.minSize",
          `must be at least ${minimum} in all groups together`,
        );
      }
      for (const group of groups) {
        const subnets = stack.sources(group, "subnetIds").filter(({ kind }) => kind === SUBNET);
        const zones = subnets.map((subnet) => subnet.at("availabilityZone"));
        if (subnets.length === 0 || some(zones, (zone) => zone.isUnknown) === true) continue;
        if (new Set(zones.map(({ text }) => text)).size >= minimum) continue;
        yield group.finding("subnetIds", `must be in ${minimum} zones at least`);
      }
    },
  }),
] as const;
