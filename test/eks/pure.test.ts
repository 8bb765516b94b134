import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";

import { architectureOf, architectureOfAmi } from "../../config/eks/instance-types";
import { parseConfig } from "../../config/parse";
import { addonsAfterNodes } from "../../infra/eks/addon-specs";
import { kubeconfig } from "../../infra/eks/kubeconfig";
import { ingressCapability } from "../../infra/eks/ingress";
import { loadBalancerCapability } from "../../infra/eks/load-balancer";
import { arn, accountRoot, type EksConfig, managedPolicy, placeOf } from "../../infra/eks/place";
import { isPlain, policy } from "../../infra/eks/policy";
import { registryHost } from "../../infra/eks/repository";
import { closedToCreator } from "../../infra/eks/transforms";
import { pins } from "../../infra/eks/versions";
import { eksKubernetesVersions } from "../../config/kubernetes-versions";

function config(partition: string, changes: Record<string, unknown> = {}): EksConfig {
  const { cluster } = parseConfig(
    {
      cluster: {
        kind: "eks",
        name: "prod",
        deployerRoleArn: `arn:${partition}:iam::111122223333:role/path/deployer`,
        autoscaling: { kind: "autoMode" },
        ...changes,
      },
    },
    { awsRegion: "eu-central-1" },
  );
  if (cluster.kind !== "eks") throw new Error("not on EKS");
  return cluster;
}

describe("the kubeconfig of a cluster on EKS", () => {
  it("is this text, which changes with the cluster only, and holds no credential", () => {
    const text = kubeconfig({
      clusterName: "prod",
      region: "eu-central-1",
      endpoint: "https://example.eks.amazonaws.com",
      certificateAuthority: "Y2E=",
      roleArn: "arn:aws:iam::111122223333:role/deployer",
    });
    expect(text).toBe(
      '{"apiVersion":"v1","kind":"Config",' +
        '"clusters":[{"name":"prod","cluster":{"server":"https://example.eks.amazonaws.com","certificate-authority-data":"Y2E="}}],' +
        '"users":[{"name":"prod","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"aws",' +
        '"args":["--region","eu-central-1","eks","get-token","--cluster-name","prod","--role-arn","arn:aws:iam::111122223333:role/deployer","--output","json"],' +
        '"interactiveMode":"Never"}}}],' +
        '"contexts":[{"name":"prod","context":{"cluster":"prod","user":"prod"}}],"current-context":"prod"}',
    );
  });
});

describe("the transform of the control plane", () => {
  const args = (type: string, props: object) =>
    ({
      custom: true,
      type,
      name: "x",
      props,
      opts: { protect: true },
    }) as pulumi.ResourceTransformArgs;

  it("makes no administrator of the creator, and leaves all else", () => {
    const given = args("aws:eks/cluster:Cluster", {
      version: "1.36",
      accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: true },
    });
    expect(closedToCreator(given)).toEqual({
      props: {
        version: "1.36",
        accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false },
      },
      opts: { protect: true },
    });
  });

  it("touches nothing else", () => {
    expect(closedToCreator(args("aws:eks/addon:Addon", {}))).toBeUndefined();
  });
});

describe("the place of a cluster", () => {
  it.each([
    ["aws", "111122223333.dkr.ecr.eu-central-1.amazonaws.com"],
    ["aws-cn", "111122223333.dkr.ecr.eu-central-1.amazonaws.com.cn"],
  ])("is told by the deployer's ARN, in the partition %s", (partition, host) => {
    const place = placeOf(config(partition));
    expect(place).toMatchObject({ partition, accountId: "111122223333", clusterName: "prod" });
    expect(registryHost(place)).toBe(host);
    expect(accountRoot(place)).toBe(`arn:${partition}:iam::111122223333:root`);
    expect(managedPolicy(place, "Some")).toBe(`arn:${partition}:iam::aws:policy/Some`);
    expect(arn(place, "sqs", "queue")).toBe(`arn:${partition}:sqs:eu-central-1:111122223333:queue`);
  });

  it("puts its own tags over those of the user", () => {
    const { tags } = placeOf(config("aws", { tags: { team: "a", "drydock/cluster": "other" } }));
    expect(tags).toEqual({ team: "a", "drydock/cluster": "prod", "drydock/managed-by": "pulumi" });
  });
});

describe("a policy", () => {
  const statement = { Sid: "A", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };
  const text =
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Sid":"A","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}';

  it("is a text where all of it is known", () => {
    expect(policy([statement])).toBe(text);
  });

  it("is an Output of the same text where a part of it is one", async () => {
    const later = policy([{ ...statement, Resource: pulumi.output(statement.Resource) }]);
    const value = await new Promise((resolve) => pulumi.output(later).apply(resolve));
    expect(value).toBe(text);
  });

  it.each([
    [{ a: ["b", null, 1] }, true],
    [{ a: [pulumi.output("b")] }, false],
    [{ a: Promise.resolve("b") }, false],
  ])("knows that %o is plain: %s", (value, expected) => {
    expect(isPlain(value)).toBe(expected);
  });
});

describe("the architecture of an instance type", () => {
  it.each([
    ["m7i.large", "x86_64"],
    ["m7i-flex.large", "x86_64"],
    ["c6a.xlarge", "x86_64"],
    ["t3.medium", "x86_64"],
    ["g4dn.xlarge", "x86_64"],
    ["g6.xlarge", "x86_64"],
    ["u-6tb1.metal", "x86_64"],
    ["a1.large", "arm64"],
    ["t4g.small", "arm64"],
    ["m7gd.large", "arm64"],
    ["c7gn.medium", "arm64"],
    ["g5g.xlarge", "arm64"],
    ["im4gn.large", "arm64"],
    ["is4gen.large", "arm64"],
    ["x2gd.large", "arm64"],
    ["hpc7g.4xlarge", "arm64"],
  ])("%s is %s", (type, expected) => {
    expect(architectureOf(type)).toBe(expected);
  });

  it.each([
    ["AL2023_x86_64_STANDARD", "x86_64"],
    ["BOTTLEROCKET_ARM_64", "arm64"],
  ])("of the AMI type %s is %s", (type, expected) => {
    expect(architectureOfAmi(type)).toBe(expected);
  });
});

describe("a load balancer on EKS", () => {
  it("is internal, unless the configuration says otherwise, and takes whom it names", () => {
    const { annotations } = loadBalancerCapability(
      { scheme: "internal", sourceCidrs: ["203.0.113.0/24", "198.51.100.0/24"] },
      { autoMode: false },
    );
    expect(annotations).toEqual({
      "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
      "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
      "service.beta.kubernetes.io/aws-load-balancer-attributes":
        "load_balancing.cross_zone.enabled=true",
      "service.beta.kubernetes.io/load-balancer-source-ranges": "203.0.113.0/24,198.51.100.0/24",
    });
  });
});

describe("an ingress on EKS", () => {
  const network = { cidr: "10.0.0.0/16", zones: ["a", "b"] };
  const nodes = {
    nodes: { groups: { system: { instanceTypes: ["m7i.large"] } } },
    autoscaling: { kind: "none" },
  };
  const made = (changes: Record<string, unknown> = {}) =>
    ingressCapability(config("aws", { ...nodes, network, ...changes }));

  it("is one internal load balancer for all, by HTTPS, straight to the pods", () => {
    const prefix = "alb.ingress.kubernetes.io";
    expect(made()).toEqual({
      className: "alb",
      annotations: {
        [`${prefix}/group.name`]: "apps",
        [`${prefix}/scheme`]: "internal",
        [`${prefix}/target-type`]: "ip",
        [`${prefix}/listen-ports`]: '[{"HTTPS":443}]',
        [`${prefix}/ssl-policy`]: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      },
      healthPathAnnotation: `${prefix}/healthcheck-path`,
      tls: true,
      sources: [{ ipBlock: { cidr: "10.0.0.0/19" } }, { ipBlock: { cidr: "10.0.32.0/19" } }],
    });
  });

  it("is on the internet where the configuration says so, for whom it names, from the public subnets", () => {
    const loadBalancer = { scheme: "internetFacing", sourceCidrs: ["203.0.113.0/24"] };
    const { annotations, sources } = made({ loadBalancer }) ?? {};
    expect(annotations).toMatchObject({
      "alb.ingress.kubernetes.io/scheme": "internet-facing",
      "alb.ingress.kubernetes.io/inbound-cidrs": "203.0.113.0/24",
    });
    expect(sources).toEqual([
      { ipBlock: { cidr: "10.0.128.0/20" } },
      { ipBlock: { cidr: "10.0.144.0/20" } },
    ]);
  });

  it("is not there in Auto Mode", () => {
    expect(made({ nodes: {}, autoscaling: { kind: "autoMode" } })).toBeUndefined();
  });
});

describe("secrets of AWS Secrets Manager", () => {
  const provider = "aws-secrets-store-csi-driver-provider";
  const addons = (changes: Record<string, unknown> = {}, autoMode = false) => {
    const { secrets, ...rest } = config("aws", changes);
    const externalSecrets = secrets.externalStore;
    const keyArn = "arn:aws:kms:eu-central-1:111122223333:key/1";
    const place = placeOf({ secrets, ...rest });
    const options = { place, keyArn, sharedFileSystem: false, externalSecrets, autoMode };
    return addonsAfterNodes(options);
  };

  it("can be mounted where the configuration says so", () => {
    expect(addons().map(({ addon }) => addon)).not.toContain(provider);
    const changes = { secrets: { externalStore: true } };
    for (const autoMode of [false, true]) {
      expect(addons(changes, autoMode).map(({ addon }) => addon)).toContain(provider);
    }
  });

  it("are read with the role of the pod that mounts them: the driver has none", () => {
    const [driver] = addons({ secrets: { externalStore: true } }).filter(
      ({ addon }) => addon === provider,
    );
    expect(driver).toEqual({ addon: provider });
  });

  it("take no other value", () => {
    expect(() => config("aws", { secrets: { externalStore: "yes" } })).toThrow(
      'cluster.secrets.externalStore = "yes"',
    );
  });
});

describe("the pinned versions", () => {
  it.each(eksKubernetesVersions)("of Kubernetes %s are those of that minor", (version) => {
    const { al2023, addons } = pins[version];
    expect(al2023).toMatch(new RegExp(`^${version}\\.\\d+-\\d{8}$`));
    expect(addons["kube-proxy"]).toMatch(new RegExp(`^v${version}\\.`));
    const wrong = Object.values(addons).filter(
      (one) => !/^v\d+\.\d+\.\d+-eksbuild\.\d+$/.test(one),
    );
    expect(wrong).toEqual([]);
  });
});
