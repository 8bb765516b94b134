import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { ZoneSubnets } from "../../config/cidr";
import type { Place } from "./place";

export type Tier = keyof ZoneSubnets;

export interface SubnetsArgs {
  readonly place: Place;
  readonly vpcId: pulumi.Input<string>;
  /** By the name of the zone. */
  readonly plan: Readonly<Record<string, ZoneSubnets>>;
}

/** By these tags the load-balancer controllers find where to put what faces where. */
const roles: Readonly<Record<Tier, Readonly<Record<string, string>>>> = {
  private: { "kubernetes.io/role/internal-elb": "1" },
  public: { "kubernetes.io/role/elb": "1" },
  intra: {},
};

type ByZone<T> = Readonly<Record<string, T>>;

/** Three subnets in each zone, each with a route table of its own, all named after the zone. */
export class Subnets extends pulumi.ComponentResource {
  readonly private: ByZone<aws.ec2.Subnet>;
  readonly public: ByZone<aws.ec2.Subnet>;
  readonly intra: ByZone<aws.ec2.Subnet>;
  readonly routeTables: Readonly<Record<Tier, ByZone<aws.ec2.RouteTable>>>;

  constructor(
    private readonly label: string,
    private readonly args: SubnetsArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("drydock:infra:Subnets", label, {}, opts);
    const [isPrivate, isPublic, intra] = [
      this.tier("private"),
      this.tier("public"),
      this.tier("intra"),
    ];
    this.private = isPrivate.subnets;
    this.public = isPublic.subnets;
    this.intra = intra.subnets;
    this.routeTables = {
      private: isPrivate.tables,
      public: isPublic.tables,
      intra: intra.tables,
    };
    this.registerOutputs({});
  }

  routeTableIds(tier: Tier): pulumi.Output<string>[] {
    return Object.values(this.routeTables[tier]).map(({ id }) => id);
  }

  private tier(tier: Tier) {
    const zones = Object.entries(this.args.plan);
    const made = zones.map(([zone, ranges]) => ({
      zone,
      ...this.subnet(tier, zone, ranges[tier]),
    }));
    return {
      subnets: Object.fromEntries(made.map(({ zone, subnet }) => [zone, subnet])),
      tables: Object.fromEntries(made.map(({ zone, table }) => [zone, table])),
    };
  }

  private subnet(tier: Tier, zone: string, cidrBlock: string) {
    const { place, vpcId } = this.args;
    const name = `${this.label}-${tier}-${zone}`;
    const tags = { Name: `${place.clusterName}-${tier}-${zone}` };
    const subnet = new aws.ec2.Subnet(
      name,
      {
        vpcId,
        availabilityZone: zone,
        cidrBlock,
        // Load balancers and NAT gateways bring addresses of their own; nothing else may be public.
        mapPublicIpOnLaunch: false,
        tags: { ...tags, ...roles[tier] },
      },
      { parent: this },
    );
    const table = new aws.ec2.RouteTable(name, { vpcId, tags }, { parent: this });
    new aws.ec2.RouteTableAssociation(
      name,
      { subnetId: subnet.id, routeTableId: table.id },
      { parent: this },
    );
    return { subnet, table };
  }
}
