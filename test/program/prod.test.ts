import { beforeAll, describe, expect, it } from "vitest";

import { isMap, type PropertyMap, type PropertyValue } from "../../toolchain/plugin/values";
import { manifest } from "../support/manifests";
import { type RecordedResource, textOf } from "../../review/recording/recorded";
import type { Recording } from "../../review/recording/recorder";
import { recordings, title, updateOf } from "../support/stacks";

let prod: Recording;
let preview: Recording;
let small: Recording;
let autoMode: Recording;
beforeAll(async () => {
  ({ update: prod, preview } = await recordings("prod"));
  small = await updateOf("small");
  autoMode = await updateOf("prod in Auto Mode");
});

/** Of a provider's kinds: a component of this project may have the name of one. */
const all = (type: string, { resources } = prod) =>
  resources.filter((one) => one.type.endsWith(`:${type}`) && !one.type.startsWith("drydock:infra"));

function one(type: string, name = "", recording = prod): RecordedResource {
  const found = all(type, recording).filter((each) => each.name.includes(name));
  const [first, second] = found;
  if (first === undefined || second !== undefined) {
    throw new Error(`${found.length} are ${type} ${name}`);
  }
  return first;
}

interface Statement {
  readonly Effect: string;
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: unknown;
  readonly Principal?: unknown;
}

function statements(document: PropertyValue | undefined): readonly Statement[] {
  return (JSON.parse(textOf(document)) as { Statement: readonly Statement[] }).Statement;
}

const listed = (value: string | readonly string[] = []) => [value].flat();

describe("the prod stack", () => {
  it("keeps what holds data, or cannot be made again, from deletion", () => {
    const kept = prod.resources.filter(({ options }) => options.protect).map(title);
    expect(kept.sort()).toEqual([
      "aws:cloudwatch/logGroup:LogGroup cluster-control-plane-logs",
      "aws:cloudwatch/logGroup:LogGroup cluster-network-flow-logs",
      "aws:ecr/repository:Repository nginx-repository",
      "aws:ecr/repository:Repository renderer-repository",
      "aws:ecr/repository:Repository uploader-repository",
      "aws:efs/fileSystem:FileSystem cluster-files",
      "aws:kms/key:Key cluster-data-key",
      "aws:kms/key:Key cluster-secrets-key",
      "eks:index:Cluster cluster-control-plane-eks",
      "kubernetes:apps/v1:StatefulSet uploader",
    ]);
    expect(one("Cluster").inputs.deletionProtection).toBe(true);
    expect(all("LogGroup").map(({ inputs }) => inputs.skipDestroy)).toEqual([true, true]);
    expect(all("Repository").map(({ inputs }) => inputs.forceDelete)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("of the small set-up keeps nothing", () => {
    expect(small.resources.filter(({ options }) => options.protect).map(title)).toEqual([]);
    expect(one("Cluster", "", small).inputs.deletionProtection).toBe(false);
  });

  it("has a control plane without the unsafe defaults of @pulumi/eks", () => {
    const { inputs, options } = one("Cluster");
    expect(inputs).toMatchObject({
      name: "drydock-prod",
      version: "1.36",
      authenticationMode: "API",
      endpointPrivateAccess: true,
      endpointPublicAccess: true,
      publicAccessCidrs: ["203.0.113.0/24"],
      enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager", "scheduler"],
      upgradePolicy: { supportType: "STANDARD" },
      skipDefaultNodeGroup: true,
      skipDefaultSecurityGroups: true,
      createInstanceRole: false,
      useDefaultVpcCni: true,
      kubeProxyAddonOptions: { enabled: false },
      corednsAddonOptions: { enabled: false },
      bootstrapSelfManagedAddons: false,
      encryptionConfigKeyArn: expect.stringContaining(":key/cluster-secrets-key") as string,
    });
    expect(options.transforms).toBe(1);
    expect(inputs.privateSubnetIds).toEqual(
      ["a", "b", "c"].map((zone) => `cluster-network-subnets-intra-eu-central-1${zone}-id`),
    );
  });

  it("keeps all node groups in private subnets, without a public address", () => {
    const isPrivate = (id: string) => /^cluster-network-subnets-private-.*-id$/.test(id);
    for (const { inputs } of all("NodeGroup")) {
      const subnets = inputs.subnetIds as string[];
      expect(subnets).toHaveLength(3);
      expect(subnets.filter((id) => !isPrivate(id))).toEqual([]);
    }
    for (const { inputs } of all("LaunchTemplate")) {
      expect(inputs.networkInterfaces).toEqual([
        expect.objectContaining({
          associatePublicIpAddress: "false",
          securityGroups: ["sg-0cluster"],
        }),
      ]);
    }
    const { spec } = one("EC2NodeClass").inputs as { spec: PropertyMap };
    expect(spec.associatePublicIPAddress).toBe(false);
    const ids = (spec.subnetSelectorTerms as { id: string }[]).map(({ id }) => id);
    expect(ids.filter((id) => !isPrivate(id))).toEqual([]);
    expect(all("Subnet").map(({ inputs }) => inputs.mapPublicIpOnLaunch)).not.toContain(true);
  });

  it("hides the nodes' credentials from pods, and encrypts their disks with its own key", () => {
    const metadata = {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
    };
    const { inputs } = one("LaunchTemplate");
    expect(inputs.metadataOptions).toMatchObject(metadata);
    const key = one("Key", "data").name;
    const disks = inputs.blockDeviceMappings as { ebs: PropertyMap }[];
    expect(disks.map(({ ebs }) => [ebs.encrypted, textOf(ebs.kmsKeyId).includes(key)])).toEqual([
      ["true", true],
    ]);
    const { spec } = one("EC2NodeClass").inputs as { spec: PropertyMap };
    expect(spec.metadataOptions).toEqual(metadata);
    expect(spec.blockDeviceMappings).toMatchObject([{ ebs: { encrypted: true } }]);
  });

  it("replaces nodes when it says so, and leaves their number to the autoscaler", () => {
    const { inputs, options } = one("NodeGroup");
    expect(inputs).toMatchObject({
      releaseVersion: "1.36.2-20260714",
      version: "1.36",
      updateConfig: { maxUnavailablePercentage: 33 },
      nodeRepairConfig: { enabled: true },
      scalingConfig: { minSize: 3, maxSize: 6, desiredSize: 3 },
    });
    expect(options.ignoreChanges).toEqual(["scalingConfig.desiredSize"]);
    expect(all("Addon").filter(({ inputs: { addonVersion } }) => !addonVersion)).toEqual([]);
    expect(all("Release").filter(({ inputs: { version } }) => !version)).toEqual([]);
  });

  it("gives access to the roles that are named, and to no other", () => {
    const granted = all("AccessPolicyAssociation").map(({ inputs }) => [
      textOf(inputs.principalArn).split("/").at(-1),
      textOf(inputs.policyArn).split("/").at(-1),
      inputs.accessScope,
    ]);
    expect(granted).toEqual([
      ["drydock-deployer", "AmazonEKSClusterAdminPolicy", { type: "cluster" }],
      ["drydock-operators", "AmazonEKSClusterAdminPolicy", { type: "cluster" }],
      ["drydock-support", "AmazonEKSViewPolicy", { type: "cluster" }],
      ["drydock-web-team", "AmazonEKSEditPolicy", { type: "namespace", namespaces: ["web"] }],
    ]);
    const entries = all("AccessEntry").map(({ inputs }) => inputs.type);
    expect(entries.sort()).toEqual(["EC2_LINUX", ...granted.map(() => "STANDARD")]);
  });

  it("gives a role only to whom it is meant for", () => {
    for (const { inputs } of all("Role")) {
      const [trust, ...more] = statements(inputs.assumeRolePolicy);
      expect(more).toEqual([]);
      expect(trust?.Principal).not.toBe("*");
      if (JSON.stringify(trust).includes("pods.eks.amazonaws.com")) {
        expect(trust?.Condition).toMatchObject({
          StringEquals: {
            "aws:RequestTag/eks-cluster-arn":
              "arn:aws:eks:eu-central-1:111122223333:cluster/drydock-prod",
            "aws:RequestTag/kubernetes-namespace": "kube-system",
          },
        });
      }
    }
    const roles = prod.resources.filter(({ type }) => type === "drydock:infra:Role");
    expect(roles).toHaveLength(8);
  });

  it("allows nothing with a wildcard but reading, and what carries its own tags", () => {
    const wide = all("RolePolicy").flatMap(({ name, inputs }) =>
      statements(inputs.policy)
        .filter(({ Condition }) => Condition === undefined)
        .filter(({ Resource }) => listed(Resource).includes("*"))
        .flatMap(({ Action }) => listed(Action))
        .filter((action) => !/:(?:Describe|Get|List)/.test(action))
        .map((action) => `${name}: ${action}`),
    );
    expect(wide).toEqual([]);
    const unbounded = all("RolePolicy").filter(({ inputs }) =>
      statements(inputs.policy).some(({ Action }) => listed(Action).includes("*")),
    );
    expect(unbounded).toEqual([]);
  });

  it("keeps within the limits of AWS", () => {
    /** Most characters of a name; Pulumi adds a hyphen and seven characters. */
    const limits: Record<string, number> = { Role: 64, NodeGroup: 63, Queue: 80, EventRule: 64 };
    const long = prod.resources.filter(({ type, name }) => {
      const limit = type.startsWith("aws:") ? limits[type.split(":").at(-1) ?? ""] : undefined;
      return limit !== undefined && name.length + 8 > limit;
    });
    expect(long.map(title)).toEqual([]);
    for (const role of prod.resources.filter(({ type }) => type === "drydock:infra:Role")) {
      const own = all("RolePolicy").filter(({ parent }) => parent === role.urn);
      const size = own.reduce((sum, { inputs }) => sum + textOf(inputs.policy).length, 0);
      expect(size).toBeLessThan(10_240);
    }
    const keyPolicies = all("Key").map(({ inputs }) => textOf(inputs.policy).length);
    expect(Math.max(...keyPolicies)).toBeLessThan(32_768);
  });

  it("shows in the first preview every right but those on what is not made yet", () => {
    const hidden = preview.resources
      .filter(({ type }) => type.endsWith(":RolePolicy"))
      .filter(({ inputs }) => typeof inputs.policy !== "string");
    expect(hidden.filter(({ name }) => !name.endsWith("-policy-resources")).map(title)).toEqual([]);
    expect(hidden.length).toBeGreaterThan(0);
  });

  it.each([
    ["nginx", "Deployment"],
    ["renderer", "Deployment"],
    ["uploader", "StatefulSet"],
  ])("publishes the image of %s by digest in a repository that takes it", (app, kind) => {
    const repository = one("Repository", `${app}-repository`).inputs;
    const image = one("Published", `${app}-image`);
    expect(repository).toMatchObject({
      name: `drydock/${app}`,
      imageTagMutability: "IMMUTABLE",
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: "KMS" }],
    });
    expect(image.inputs.registry).toBe("111122223333.dkr.ecr.eu-central-1.amazonaws.com");
    expect(JSON.parse(textOf(image.inputs.recipe))).toMatchObject({ name: repository.name });
    const { template } = manifest(prod, kind, app).spec ?? {};
    expect(template?.spec.containers[0]?.image).toMatch(/^1111.*\/drydock\/\w+@sha256:/);
  });

  it("keeps the uploader's files on an encrypted disk, and lets nobody in from outside", () => {
    const { spec } = manifest(prod, "StatefulSet", "uploader");
    expect(spec?.volumeClaimTemplates).toMatchObject([
      { spec: { storageClassName: "gp3", resources: { requests: { storage: "10Gi" } } } },
    ]);
    expect(manifest(prod, "Service", "uploader").spec?.type).toBe("ClusterIP");
    expect(manifest(prod, "NetworkPolicy", "uploader").spec?.ingress).toBeUndefined();
  });

  it("gives the same app a Network Load Balancer, and spreads it over the zones", () => {
    const service = manifest(prod, "Service", "nginx");
    expect(service.spec).toMatchObject({
      type: "LoadBalancer",
      loadBalancerClass: "service.k8s.aws/nlb",
    });
    expect(service.metadata.annotations).toMatchObject({
      "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
      "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
    });
    const { template } = manifest(prod, "Deployment", "nginx").spec ?? {};
    expect(template?.spec.topologySpreadConstraints).toMatchObject([
      { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
      { topologyKey: "kubernetes.io/hostname" },
    ]);
  });

  it("has one default class of volumes, encrypted with its own key", () => {
    const classes = all("StorageClass").map(({ inputs }) => inputs);
    const isDefault = ({ metadata }: PropertyMap) =>
      isMap(metadata) && JSON.stringify(metadata.annotations ?? {}).includes("is-default-class");
    expect(classes.filter(isDefault)).toMatchObject([
      {
        provisioner: "ebs.csi.aws.com",
        parameters: { type: "gp3", encrypted: "true" },
        reclaimPolicy: "Retain",
        volumeBindingMode: "WaitForFirstConsumer",
      },
    ]);
    expect(classes).toHaveLength(2);
  });

  it("enforces network policies", () => {
    const { inputs } = one("Addon", "vpc-cni");
    expect(inputs.configurationValues).toBe('{"enableNetworkPolicy":"true"}');
  });

  it("loses one zone's way out with that zone alone; the small one shares its only one", () => {
    const routes = (recording: Recording) =>
      all("Route", recording).flatMap(({ inputs }) => inputs.natGatewayId ?? []);
    expect(new Set(routes(prod)).size).toBe(3);
    expect(routes(small)).toEqual([
      "cluster-network-nat-us-east-1a-id",
      "cluster-network-nat-us-east-1a-id",
    ]);
  });
});

describe("the prod stack in Auto Mode", () => {
  it("leaves nodes, volumes and load balancers to EKS, by switches that go together", () => {
    const { inputs } = one("Cluster", "", autoMode);
    expect(inputs.autoMode).toMatchObject({
      enabled: true,
      createNodeRole: false,
      computeConfig: { nodePools: ["general-purpose", "system"] },
    });
    // Its nodes lie in these subnets; elsewhere they would be cut off from registries.
    expect(inputs.privateSubnetIds).toEqual(
      ["a", "b", "c"].map((zone) => `cluster-network-subnets-private-eu-central-1${zone}-id`),
    );
    const addons = all("Addon", autoMode).map((each) => each.inputs.addonName);
    expect(addons).toEqual(["aws-efs-csi-driver", "metrics-server"]);
    for (const type of ["NodeGroup", "Release", "NodePool"])
      expect(all(type, autoMode)).toEqual([]);
    expect(manifest(autoMode, "Service", "nginx").spec?.loadBalancerClass).toBe(
      "eks.amazonaws.com/nlb",
    );
    expect(one("StorageClass", "gp3", autoMode).inputs.provisioner).toBe(
      "ebs.csi.eks.amazonaws.com",
    );
  });
});
