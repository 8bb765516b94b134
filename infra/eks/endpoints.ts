import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { Place } from "./place";

export interface EndpointsArgs {
  readonly place: Place;
  readonly vpcId: pulumi.Input<string>;
  readonly vpcCidr: string;
  /** Services with an interface in each subnet, such as `ecr.api`. */
  readonly interfaces: readonly string[];
  /** Route tables that get a way to S3, where ECR keeps the layers of images. */
  readonly routeTableIds: readonly pulumi.Input<string>[];
  readonly subnetIds: readonly pulumi.Input<string>[];
}

/** Ways to services of AWS that do not lead through the internet. */
export class Endpoints extends pulumi.ComponentResource {
  constructor(name: string, args: EndpointsArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Endpoints", name, {}, opts);
    const { place, vpcId, interfaces } = args;
    const serviceName = (service: string) => `com.amazonaws.${place.region}.${service}`;
    const tags = (service: string) => ({ Name: `${place.clusterName}-${service}` });
    new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId,
        serviceName: serviceName("s3"),
        vpcEndpointType: "Gateway",
        routeTableIds: [...args.routeTableIds],
        tags: tags("s3"),
      },
      { parent: this },
    );
    if (interfaces.length > 0) {
      const group = this.securityGroup(name, args);
      for (const service of interfaces) {
        new aws.ec2.VpcEndpoint(
          `${name}-${service}`,
          {
            vpcId,
            serviceName: serviceName(service),
            vpcEndpointType: "Interface",
            privateDnsEnabled: true,
            subnetIds: [...args.subnetIds],
            securityGroupIds: [group.id],
            tags: tags(service),
          },
          { parent: this },
        );
      }
    }
    this.registerOutputs({});
  }

  private securityGroup(name: string, { place, vpcId, vpcCidr }: EndpointsArgs) {
    const tags = { Name: `${place.clusterName}-endpoints` };
    const description = "HTTPS from inside of the VPC to the endpoints of AWS services";
    const group = new aws.ec2.SecurityGroup(name, { vpcId, description, tags }, { parent: this });
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-https`,
      {
        securityGroupId: group.id,
        description: "HTTPS from the VPC",
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        cidrIpv4: vpcCidr,
      },
      { parent: this },
    );
    return group;
  }
}
