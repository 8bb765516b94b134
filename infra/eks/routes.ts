import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

import type { NetworkConfig } from "./network";
import type { Place } from "./place";
import type { Subnets } from "./subnets";

export interface RoutesArgs {
  readonly place: Place;
  readonly vpcId: pulumi.Input<string>;
  readonly nat: NetworkConfig["nat"];
  readonly subnets: Subnets;
}

const ANYWHERE = "0.0.0.0/0";

/** Public subnets reach the internet by the gateway, private ones by NAT, the others not at all. */
export function routes(name: string, args: RoutesArgs, parent: pulumi.Resource): void {
  const { place, vpcId, subnets } = args;
  const gateway = new aws.ec2.InternetGateway(
    `${name}-internet`,
    { vpcId, tags: { Name: place.clusterName } },
    { parent },
  );
  for (const [zone, table] of Object.entries(subnets.routeTables.public)) {
    new aws.ec2.Route(
      `${name}-public-${zone}`,
      { routeTableId: table.id, destinationCidrBlock: ANYWHERE, gatewayId: gateway.id },
      { parent },
    );
  }
  const gateways = natGateways(name, args, gateway, parent);
  const [only] = Object.values(gateways);
  for (const [zone, table] of Object.entries(subnets.routeTables.private)) {
    const nat = gateways[zone] ?? only;
    if (nat === undefined) continue;
    new aws.ec2.Route(
      `${name}-private-${zone}`,
      { routeTableId: table.id, destinationCidrBlock: ANYWHERE, natGatewayId: nat.id },
      { parent },
    );
  }
}

/** By zone: in each one, in the first, or in none. */
function natGateways(
  name: string,
  { place, nat, subnets }: RoutesArgs,
  gateway: aws.ec2.InternetGateway,
  parent: pulumi.Resource,
): Readonly<Record<string, aws.ec2.NatGateway>> {
  const count = { perZone: undefined, single: 1, none: 0 }[nat];
  const zones = Object.entries(subnets.public).slice(0, count);
  const gateways = zones.map(([zone, subnet]) => {
    const tags = { Name: `${place.clusterName}-${zone}` };
    const address = new aws.ec2.Eip(`${name}-nat-${zone}`, { domain: "vpc", tags }, { parent });
    const natGateway = new aws.ec2.NatGateway(
      `${name}-nat-${zone}`,
      { subnetId: subnet.id, allocationId: address.id, tags },
      { parent, dependsOn: [gateway] },
    );
    return [zone, natGateway];
  });
  return Object.fromEntries(gateways) as Record<string, aws.ec2.NatGateway>;
}
