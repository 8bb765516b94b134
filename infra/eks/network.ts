import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import { planSubnets } from "../../config/cidr";
import { Endpoints } from "./endpoints";
import { FlowLogs } from "./flow-logs";
import { type EksConfig, type Place, zoneNames } from "./place";
import { routes } from "./routes";
import { Subnets } from "./subnets";

export type NetworkConfig = EksConfig["network"];

export type SubnetIds = Readonly<Record<string, pulumi.Output<string>>>;

export interface NetworkArgs {
  readonly place: Place;
  readonly network: NetworkConfig;
  /** Encrypts the flow logs. */
  readonly logKeyArn: pulumi.Input<string>;
  readonly logRetentionDays: number;
}

/** The VPC with its subnets in each zone, the ways out of it, and a record of who spoke with whom. */
export class Network extends pulumi.ComponentResource {
  readonly vpcId: pulumi.Output<string>;
  /** Sorted names of the zones. */
  readonly zones: readonly string[];
  /** For nodes and pods, by zone. */
  readonly privateSubnetIds: SubnetIds;
  /** For the control plane's interfaces and mount targets, by zone. */
  readonly intraSubnetIds: SubnetIds;

  constructor(name: string, args: NetworkArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Network", name, {}, opts);
    const { place, network } = args;
    const child = { parent: this };
    const named = (suffix: string) => ({ tags: { Name: `${place.clusterName}-${suffix}` } });

    const vpc = new aws.ec2.Vpc(
      name,
      {
        cidrBlock: network.cidr,
        enableDnsHostnames: true,
        enableDnsSupport: true,
        tags: { Name: place.clusterName },
      },
      child,
    );
    // Whatever is started without a security group of its own reaches nothing and is reached by nobody.
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default`,
      { vpcId: vpc.id, ingress: [], egress: [], ...named("closed") },
      child,
    );

    const plan = planSubnets(network.cidr, zoneNames(place.region, network.zones));
    this.zones = Object.keys(plan).sort();
    const subnets = new Subnets(`${name}-subnets`, { place, vpcId: vpc.id, plan }, child);
    routes(name, { place, vpcId: vpc.id, nat: network.nat, subnets }, this);
    new Endpoints(
      `${name}-endpoints`,
      {
        place,
        vpcId: vpc.id,
        vpcCidr: network.cidr,
        interfaces: network.interfaceEndpoints,
        routeTableIds: subnets.routeTableIds("private"),
        subnetIds: Object.values(subnets.intra).map(({ id }) => id),
      },
      child,
    );
    if (network.flowLogs) {
      const { logKeyArn: kmsKeyId, logRetentionDays: retentionDays } = args;
      new FlowLogs(`${name}-flow-logs`, { place, vpcId: vpc.id, kmsKeyId, retentionDays }, child);
    }

    this.vpcId = vpc.id;
    this.privateSubnetIds = ids(subnets.private);
    this.intraSubnetIds = ids(subnets.intra);
    this.registerOutputs({
      vpcId: this.vpcId,
      zones: this.zones,
      privateSubnetIds: this.privateSubnetIds,
      intraSubnetIds: this.intraSubnetIds,
    });
  }
}

function ids(subnets: Readonly<Record<string, aws.ec2.Subnet>>): SubnetIds {
  return Object.fromEntries(Object.entries(subnets).map(([zone, { id }]) => [zone, id]));
}
