/** The fields of Kubernetes objects that the detection reads. */
export interface KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface Node extends KubernetesObject {
  readonly spec?: {
    readonly providerID?: string;
    readonly taints?: readonly { readonly key: string; readonly effect: string }[];
  };
  readonly status?: { readonly nodeInfo?: { readonly architecture?: string } };
}

export interface Service extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly loadBalancerClass?: string };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
    };
  };
}

export interface DaemonSet extends KubernetesObject {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly name?: string;
          readonly image?: string;
          readonly args?: readonly string[];
        }[];
      };
    };
  };
  readonly status?: { readonly numberReady?: number };
}

export type StorageClass = KubernetesObject;

export interface IngressClass extends KubernetesObject {
  readonly spec?: { readonly controller?: string };
}

/** What a rule concludes, and the sign it goes by, for people. */
export interface Finding<T> {
  readonly value: T;
  readonly sign: string;
}

/** Who made a node, by the scheme of its `spec.providerID`: `aws`, `kind`, `k3s`. */
export function providerOf(node: Node): string {
  return node.spec?.providerID?.split("://")[0] ?? "";
}

/**
 * The class that an annotation makes the default one. Of several the newest counts, as it does for
 * Kubernetes.
 */
export function defaultOf<T extends KubernetesObject>(
  classes: readonly T[],
  annotations: readonly string[],
): T | undefined {
  return classes
    .filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === "true"))
    .sort((a, b) => compare(b.metadata.creationTimestamp, a.metadata.creationTimestamp))[0];
}

function compare(left = "", right = ""): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** k3s builds its load balancer and its network policies into itself; each can be switched off. */
export function k3sWithout(nodes: readonly Node[], ...flags: string[]): boolean {
  return nodes.some((node) =>
    flags.some((flag) => node.metadata.annotations?.["k3s.io/node-args"]?.includes(flag)),
  );
}
