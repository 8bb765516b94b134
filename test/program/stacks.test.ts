import { beforeAll, describe, expect, it } from "vitest";

import { containsSecret, type PropertyMap, Secret } from "../../toolchain/plugin/values";
import { type RecordedResource, textOf, unknownPaths } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import { recordingText } from "../../review/recording/recording";
import { stackFile } from "../../review/recording/stack-file";
import { fileOf, isAws, recordings, stackNames, title, updateOf } from "../support/stacks";

/** What must hold of every stack, on this machine and on AWS. */
describe.each(stackNames)("the stack %s", (stack) => {
  let update: Recording;
  let preview: Recording;
  // Fails where a URN is there twice, an Output was made text, or the two modes differ.
  beforeAll(async () => ({ update, preview } = await recordings(stack)));

  const byUrn = (urn: string) => update.resources.find((one) => one.urn === urn);
  const isTop = ({ parent }: RecordedResource) => byUrn(parent)?.type === "pulumi:pulumi:Stack";
  const ofPackage =
    (name: string) =>
    ({ type }: RecordedResource) =>
      type.startsWith(`${name}:`);

  it("is the same twice, byte by byte", async () => {
    expect(recordingText(await updateOf(stack))).toBe(recordingText(update));
  });

  it("has three parts: the cluster, the platform, the apps", () => {
    expect(update.resources.filter(isTop).map(({ name }) => name)).toEqual([
      "nginx",
      "renderer",
      "uploader",
      "cluster",
      "platform",
    ]);
  });

  it("gives every resource a parent, whose name begins its own", () => {
    const strays = update.resources
      .filter(({ type }) => type !== "pulumi:pulumi:Stack")
      .filter((one) => !isTop(one) && !one.name.startsWith(byUrn(one.parent)?.name ?? "no parent"))
      .filter(({ name }) => !/^(?:nginx|renderer|uploader)-/.test(name)); // The cluster publishes what belongs to an app.
    expect(strays.map(title)).toEqual([]);
  });

  it("has one provider for each package, and every resource names it", () => {
    for (const name of ["kubernetes", "aws", "eks"]) {
      const users = update.resources.filter(ofPackage(name));
      const providers = update.resources.filter(({ type }) => type === `pulumi:providers:${name}`);
      expect(providers).toHaveLength(users.length === 0 ? 0 : 1);
      expect(users.filter(({ provider }) => provider !== providers[0]?.urn).map(title)).toEqual([]);
    }
  });

  it("disables the default providers of the packages that it uses", () => {
    const used = update.resources.flatMap(
      ({ type }) => /^pulumi:providers:(\w+)/.exec(type)?.[1] ?? [],
    );
    const disabled = stackFile(fileOf(stack)).config["pulumi:disable-default-providers"];
    expect(disabled).toEqual(used.sort());
  });

  it("hands the providers to the component that makes the control plane", () => {
    const provider = (name: string) =>
      update.resources.find(({ type }) => type === `pulumi:providers:${name}`)?.urn;
    const aws = provider("aws");
    const remote = update.resources.filter((one) => one.remote);
    expect(remote.map(({ type }) => type)).toEqual(aws === undefined ? [] : ["eks:index:Cluster"]);
    expect(remote.map(({ options }) => options.providers)).toEqual(
      aws === undefined ? [] : [{ aws, eks: provider("eks") }],
    );
    const children = update.resources.filter(({ parent }) => byUrn(parent)?.remote);
    expect(children.map(title)).toEqual([]);
  });

  it("has one object of each kind, namespace and name", () => {
    const identities = update.resources.filter(ofPackage("kubernetes")).flatMap((one) => {
      const { metadata, name: release, namespace: within } = one.inputs;
      const { name, namespace } = (metadata ?? { name: release, namespace: within }) as PropertyMap;
      return name === undefined ? [] : [`${one.type} ${textOf(namespace)}/${textOf(name)}`];
    });
    expect(new Set(identities).size).toBe(identities.length);
    expect(identities).toContain("kubernetes:apps/v1:Deployment web/nginx");
  });

  it("registers the outputs of every component, and keeps secret what is", () => {
    const components = update.resources.filter(({ custom, remote }) => !custom && !remote);
    expect(components.filter(({ outputs }) => outputs === undefined).map(title)).toEqual([]);
    expect(update.outputs.kubeconfig).toBeInstanceOf(Secret);
    const clear = [...update.resources, ...preview.resources].filter((one) =>
      /certificate-authority-data|kind: Config/.test(
        JSON.stringify(withoutSecrets({ ...one.inputs, ...one.outputs })),
      ),
    );
    expect(clear.map(title)).toEqual([]);
    const provider = update.resources.find(({ type }) => type === "pulumi:providers:kubernetes");
    expect(containsSecret(provider?.inputs.kubeconfig)).toBe(true);
  });

  it("carries its tags on every AWS resource", () => {
    const aws = update.resources.find(({ type }) => type === "pulumi:providers:aws");
    const wanted = ["drydock/cluster", "drydock/managed-by"];
    // A provider takes what is no plain text as JSON.
    const { tags = {} } = JSON.parse(textOf(aws?.inputs.defaultTags ?? "{}")) as {
      tags?: PropertyMap;
    };
    // What a template starts gets no default tags from the provider.
    const started = update.resources
      .filter(({ type }) => type === "aws:ec2/launchTemplate:LaunchTemplate")
      .flatMap(({ inputs }) => inputs.tagSpecifications as unknown as { tags: PropertyMap }[]);
    const sets = aws === undefined ? [] : [tags, ...started.map((one) => one.tags)];
    expect(sets.filter((set) => wanted.some((key) => set[key] === undefined))).toEqual([]);
    expect(sets.length > 0).toBe(update.resources.some(isAws));
  });

  it("shows at the first preview all but the identifiers of what is not made yet", () => {
    const unknown = preview.resources.flatMap(({ type, inputs }) =>
      unknownPaths(inputs).map((path) => {
        const kind = type.split(":").at(-1) ?? "";
        return `${kind}${path.replace(/\.\d+/g, ".#")}`;
      }),
    );
    expect([...new Set(unknown)].filter((path) => !identifiers.includes(path))).toEqual([]);
  });
});

/** Kind and path, `#` for a place in a list. What decides how safe a thing is does not belong here. */
const identifiers = [
  "AccessEntry.clusterName",
  "AccessEntry.principalArn", // Of a node role.
  "AccessPolicyAssociation.clusterName",
  "Addon.clusterName",
  "Addon.podIdentityAssociations.#.roleArn",
  "Alias.targetKeyId",
  "BackupPolicy.fileSystemId",
  "Cluster.autoMode.computeConfig.nodeRoleArn",
  "Cluster.encryptionConfigKeyArn",
  "Cluster.privateSubnetIds.#",
  "Cluster.serviceRole.id",
  "Cluster.vpcId",
  "DefaultSecurityGroup.vpcId",
  "ClusterRoleBinding.roleRef.name",
  "ClusterRoleBinding.subjects.#.name",
  "Deployment.spec.template.metadata.annotations.drydock.dev/helper-pod", // It names an image.
  "Deployment.spec.template.spec.containers.#.image",
  "Deployment.spec.template.spec.volumes.#.configMap.name",
  "EC2NodeClass.spec.blockDeviceMappings.#.ebs.kmsKeyID",
  "EC2NodeClass.spec.securityGroupSelectorTerms.#.id",
  "EC2NodeClass.spec.subnetSelectorTerms.#.id",
  "EventTarget.arn",
  "FileSystem.kmsKeyId",
  "FlowLog.iamRoleArn",
  "FlowLog.logDestination",
  "FlowLog.vpcId",
  "InternetGateway.vpcId",
  "LaunchTemplate.blockDeviceMappings.#.ebs.kmsKeyId",
  "LaunchTemplate.networkInterfaces.#.securityGroups.#",
  "LogGroup.kmsKeyId",
  "MountTarget.fileSystemId",
  "MountTarget.securityGroups.#",
  "MountTarget.subnetId",
  "NatGateway.allocationId",
  "NatGateway.subnetId",
  "NodeGroup.clusterName",
  "NodeGroup.launchTemplate.id",
  "NodeGroup.launchTemplate.version",
  "NodeGroup.nodeRoleArn",
  "NodeGroup.subnetIds.#",
  "PodIdentityAssociation.clusterName",
  "PodIdentityAssociation.roleArn",
  "QueuePolicy.policy", // Names its own queue, as it must.
  "QueuePolicy.queueUrl",
  "Release.values.vpcId",
  "Repository.encryptionConfigurations.#.kmsKey",
  "RolePolicy.policy", // Of keys, queues and roles; the rest of a role's rights is a policy apart.
  "Route.gatewayId",
  "Route.natGatewayId",
  "Route.routeTableId",
  "RouteTable.vpcId",
  "RouteTableAssociation.routeTableId",
  "RouteTableAssociation.subnetId",
  "SecurityGroup.vpcId",
  "SecurityGroupIngressRule.referencedSecurityGroupId",
  "SecurityGroupIngressRule.securityGroupId",
  "StatefulSet.spec.template.spec.containers.#.image",
  "StatefulSet.spec.template.spec.initContainers.#.image",
  "StatefulSet.spec.template.spec.volumes.#.csi.volumeAttributes.secretProviderClass",
  "StorageClass.parameters.fileSystemId",
  "StorageClass.parameters.kmsKeyId",
  "Subnet.vpcId",
  "VpcEndpoint.routeTableIds.#",
  "VpcEndpoint.securityGroupIds.#",
  "VpcEndpoint.subnetIds.#",
  "VpcEndpoint.vpcId",
  "kubernetes.clusterIdentifier",
  "kubernetes.kubeconfig",
];

function withoutSecrets(value: PropertyMap): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, child: unknown) => (child instanceof Secret ? null : child)),
  );
}
