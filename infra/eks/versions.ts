import type { EksKubernetesVersion } from "../../config/kubernetes-versions";

/** Everything with a version that AWS or a chart's authors publish: nothing moves between two runs. */
interface Pins {
  /** Release of the AL2023 AMI: https://github.com/awslabs/amazon-eks-ami/blob/main/CHANGELOG.md */
  readonly al2023: string;
  /** `aws eks describe-addon-versions --kubernetes-version <minor>` lists them. */
  readonly addons: Readonly<Record<AddonName, string>>;
}

export type AddonName =
  | "vpc-cni"
  | "kube-proxy"
  | "eks-pod-identity-agent"
  | "coredns"
  | "aws-ebs-csi-driver"
  | "aws-efs-csi-driver"
  | "aws-secrets-store-csi-driver-provider"
  | "metrics-server";

/** The same for all minors that are supported. */
const common = {
  "vpc-cni": "v1.22.4-eksbuild.3",
  "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
  "aws-ebs-csi-driver": "v1.63.1-eksbuild.1",
  "aws-efs-csi-driver": "v3.4.1-eksbuild.1",
  "aws-secrets-store-csi-driver-provider": "v3.1.3-eksbuild.1",
  "metrics-server": "v0.9.0-eksbuild.5",
};

export const pins: Readonly<Record<EksKubernetesVersion, Pins>> = {
  "1.35": {
    al2023: "1.35.6-20260714",
    addons: {
      ...common,
      "kube-proxy": "v1.35.3-eksbuild.13",
      coredns: "v1.13.2-eksbuild.11",
    },
  },
  "1.36": {
    al2023: "1.36.2-20260714",
    addons: {
      ...common,
      "kube-proxy": "v1.36.0-eksbuild.14",
      coredns: "v1.14.3-eksbuild.3",
    },
  },
};

/** Charts of the controllers that AWS offers no add-on for. */
export const charts = {
  loadBalancerController: {
    repository: "https://aws.github.io/eks-charts",
    chart: "aws-load-balancer-controller",
    version: "3.5.0",
  },
  /** 1.13 or later for Kubernetes 1.36. */
  karpenter: { chart: "oci://public.ecr.aws/karpenter/karpenter", version: "1.14.1" },
} as const;
