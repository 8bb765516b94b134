import { integer, rule } from "../rule";
import { isPublic, LAUNCH_TEMPLATE, NODE_GROUP, SUBNET } from "../views/aws";

export const nodes = [
  rule({
    id: "nodes-no-open-ssh",
    title: "No node group opens ssh to everybody.",
    severity: "critical",
    applies: [NODE_GROUP],
    why: "With a key and no source groups EKS opens port 22 to the Internet.",
    references: ["CKV_AWS_100", "EKS documentation: remoteAccess"],
    fix: "Remove remoteAccess and use Session Manager, or set remoteAccess.sourceSecurityGroupIds.",
    *check(resource) {
      const access = resource.at("remoteAccess");
      if (access.isAbsent || access.isUnknown) return;
      yield* access.at("sourceSecurityGroupIds").mustBeSet();
    },
  }),
  rule({
    id: "nodes-imdsv2",
    title: "Pods cannot take the credentials of their node.",
    severity: "high",
    applies: [LAUNCH_TEMPLATE],
    why: "The first version of the metadata service answers any request that a pod can be talked into.",
    references: ["AWS FSBP EC2.170", "CKV_AWS_79", "EKS best-practices guide: security"],
    fix: "Set metadataOptions.httpTokens to required and httpPutResponseHopLimit to 1.",
    parameters: { hops: integer(1, "Network hops that a token may go; 2 lets pods have one.", 1) },
    *check(resource, { hops }) {
      const options = resource.at("metadataOptions");
      yield* options.at("httpTokens").mustBe("required");
      yield* options
        .at("httpPutResponseHopLimit")
        .must(
          (value) => typeof value === "number" && value <= hops,
          `must be set, to at most ${hops}`,
        );
    },
  }),
  rule({
    id: "nodes-volumes-encrypted",
    title: "The disks of nodes are encrypted.",
    severity: "high",
    applies: [LAUNCH_TEMPLATE, "aws:ebs/volume:Volume"],
    why: "A snapshot of such a disk can be read, with all that pods wrote.",
    references: ["AWS FSBP EC2.3", "AWS Guard encrypted-volumes"],
    fix: 'Set blockDeviceMappings[].ebs.encrypted to "true" (encrypted of a volume).',
    *check(resource) {
      if (resource.kind !== LAUNCH_TEMPLATE) {
        yield* resource.at("encrypted").mustBe(true);
        return;
      }
      const mappings = resource.at("blockDeviceMappings");
      yield* mappings.must((value) => Array.isArray(value) && value.length > 0, "must be set");
      for (const mapping of mappings.items()) {
        const encrypted = (value: unknown) => value === true || value === "true";
        yield* mapping.at("ebs", "encrypted").must(encrypted, "must be true");
      }
    },
  }),
  rule({
    id: "nodes-no-public-address",
    title: "No node has a public address.",
    severity: "high",
    applies: [LAUNCH_TEMPLATE],
    why: "A public address is a way in past every load balancer.",
    references: ["AWS FSBP EC2.25", "Pulumi compliance policies: ec2/LaunchTemplate"],
    fix: 'Set networkInterfaces[].associatePublicIpAddress to "false".',
    *check(resource) {
      for (const one of resource.at("networkInterfaces").items()) {
        const field = one.at("associatePublicIpAddress");
        yield* field.must((value) => value !== true && value !== "true", "must be false");
      }
    },
  }),
  rule({
    id: "nodes-private-subnets",
    title: "Nodes and clusters stand in private subnets.",
    severity: "high",
    applies: [NODE_GROUP],
    why: "In a public subnet one wrong security group is enough to reach a node from the Internet.",
    references: ["CIS EKS 5.4.3", "EKS best-practices guide: networking"],
    fix: "Set subnetIds to subnets whose route table has no Internet gateway.",
    *checkStack(stack) {
      for (const group of stack.of(NODE_GROUP)) {
        const subnets = stack.sources(group, "subnetIds").filter(({ kind }) => kind === SUBNET);
        if (subnets.length === 0) {
          // From another stack, or as plain texts: nothing tells what they are.
          group.undecided.add("subnetIds");
        }
        if (!subnets.some((subnet) => isPublic(stack, subnet) === true)) continue;
        yield group.finding("subnetIds", "must be private subnets");
      }
    },
  }),
] as const;
