import type { Field } from "../field";
import { like } from "../logic";
import type { Resource } from "../resource";
import { integer, rule } from "../rule";
import { isEverywhere, SUBNET } from "../views/aws";

const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const FORMER = "aws:ec2/securityGroupRule:SecurityGroupRule";
const BALANCERS = ["aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer"];
const LISTENERS = ["aws:lb/listener:Listener", "aws:alb/listener:Listener"];

export const awsNetwork = [
  rule({
    id: "security-group-closed",
    title: "No security group lets the whole Internet in, and each says what it is for.",
    severity: "critical",
    applies: [GROUP, INGRESS, FORMER],
    why: "One rule too wide undoes private subnets.",
    references: ["AWS FSBP EC2.13", "AWS FSBP EC2.14", "CKV_AWS_24", "CKV_AWS_23"],
    fix: "Set cidrBlocks (cidrIpv4) to the addresses that need it, and description.",
    *check(resource) {
      yield* resource.at("description").mustBeSet();
      for (const range of ingressRanges(resource)) {
        yield* range.must((text) => !isEverywhere(text), "must not be every address");
      }
    },
  }),
  rule({
    id: "default-security-group-empty",
    title: "The default security group of a VPC has no rules.",
    severity: "high",
    applies: ["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"],
    why: "Whatever is started without a group gets it.",
    references: ["AWS FSBP EC2.2", "CKV2_AWS_12"],
    fix: "Leave ingress and egress of DefaultSecurityGroup empty.",
    *check(resource) {
      for (const key of ["ingress", "egress"]) {
        const empty = (value: unknown) => !Array.isArray(value) || value.length === 0;
        yield* resource.at(key).must(empty, "must be empty");
      }
    },
  }),
  rule({
    id: "subnet-no-public-addresses",
    title: "A subnet gives no public address by itself.",
    severity: "medium",
    applies: [SUBNET],
    why: "What is started there by mistake is on the Internet at once.",
    references: ["AWS FSBP EC2.15", "CKV_AWS_130"],
    fix: "Remove mapPublicIpOnLaunch; load balancers and NAT gateways get their addresses without it.",
    *check(resource) {
      yield* resource.at("mapPublicIpOnLaunch").mustNotBe(true);
    },
  }),
  rule({
    id: "vpc-flow-logs",
    title: "Every VPC keeps flow logs.",
    severity: "medium",
    applies: ["aws:ec2/vpc:Vpc"],
    why: "After a break-in they are the only trace of where data went.",
    references: ["AWS FSBP EC2.6", "CKV2_AWS_11", "Pulumi best practices: vpc-flow-logs"],
    fix: "Declare an aws.ec2.FlowLog with vpcId of the VPC.",
    *checkStack(stack) {
      for (const vpc of stack.of("aws:ec2/vpc:Vpc")) {
        const logged = stack
          .of("aws:ec2/flowLog:FlowLog")
          .some((log) => stack.sources(log, "vpcId").includes(vpc));
        if (!logged) yield vpc.finding("id", "must have a FlowLog");
      }
    },
  }),
  rule({
    id: "vpc-default-security-group-managed",
    title: "The default security group of every VPC is emptied.",
    severity: "medium",
    applies: ["aws:ec2/vpc:Vpc"],
    why: "AWS creates it with rules that let all its members reach each other.",
    references: ["AWS FSBP EC2.2"],
    fix: "Declare an aws.ec2.DefaultSecurityGroup without rules, with vpcId of the VPC.",
    *checkStack(stack) {
      for (const vpc of stack.of("aws:ec2/vpc:Vpc")) {
        const managed = stack
          .of("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
          .some((group) => stack.sources(group, "vpcId").includes(vpc));
        if (!managed) yield vpc.finding("id", "must have a DefaultSecurityGroup");
      }
    },
  }),
  rule({
    id: "load-balancer-hardened",
    title: "A load balancer logs, cannot be deleted by mistake, and drops malformed requests.",
    severity: "medium",
    applies: BALANCERS,
    why: "Without logs no attack can be read; a deleted balancer changes the address of the site.",
    references: ["AWS FSBP ELB.4", "AWS FSBP ELB.5", "AWS FSBP ELB.6", "CKV_AWS_91"],
    fix: "Set accessLogs.enabled, enableDeletionProtection and dropInvalidHeaderFields to true.",
    *check(resource) {
      yield* resource.at("accessLogs", "enabled").mustBe(true);
      yield* resource.at("enableDeletionProtection").mustBe(true);
      const type = resource.at("loadBalancerType");
      if (type.isUnknown || (type.value ?? "application") !== "application") return;
      yield* resource.at("dropInvalidHeaderFields").mustBe(true);
    },
  }),
  rule({
    id: "listener-encrypted",
    title: "A listener speaks TLS, or sends on to one that does.",
    severity: "high",
    applies: LISTENERS,
    why: "Without TLS passwords and cookies travel in the clear.",
    references: ["AWS FSBP ELB.1", "CKV_AWS_2", "CKV_AWS_103"],
    fix: "Set protocol to HTTPS or TLS with a sslPolicy of TLS 1.2 or later, or defaultActions to a redirect.",
    *check(resource) {
      const actions = resource
        .at("defaultActions")
        .items()
        .map((one) => one.at("type"));
      if (actions.some((type) => type.isUnknown || type.value === "redirect")) return;
      const protocol = resource.at("protocol");
      yield* protocol.must((value) => value === "HTTPS" || value === "TLS", "must be HTTPS or TLS");
      const modern = like(/TLS13|TLS-1-[23]/);
      yield* resource.at("sslPolicy").must(modern, "must be of TLS 1.2 or later");
    },
  }),
  rule({
    id: "log-retention-set",
    title: "Logs are kept for a set time.",
    severity: "low",
    applies: ["aws:cloudwatch/logGroup:LogGroup"],
    why: "Without it they are kept and paid for for ever; too short, and an incident is older than its log.",
    references: ["AWS FSBP CloudWatch.16", "Pulumi best practices: cloudwatch-log-retention"],
    fix: "Set retentionInDays.",
    parameters: { days: integer(90, "Fewest days that logs are kept.", 1) },
    *check(resource, { days }) {
      yield* resource
        .at("retentionInDays")
        .must(
          (value) => typeof value === "number" && value >= days,
          `must be set, to at least ${days}`,
        );
    },
  }),
] as const;

function ingressRanges(resource: Resource): Field[] {
  if (resource.kind === INGRESS) return [resource.at("cidrIpv4"), resource.at("cidrIpv6")];
  const ranges = (place: Field) => ["cidrBlocks", "ipv6CidrBlocks"].map((key) => place.at(key));
  const places =
    resource.kind === GROUP
      ? resource.at("ingress").items()
      : resource.at("type").value === "ingress"
        ? [resource.at()]
        : [];
  return places.flatMap(ranges).flatMap((list) => (list.isUnknown ? [list] : list.items()));
}
