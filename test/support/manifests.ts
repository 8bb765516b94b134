import { unwrapSecrets } from "../../toolchain/plugin/values";
import type { Recording } from "../../review/recording/recorder";

type Labels = Readonly<Record<string, string>>;

/** The parts of a Kubernetes object that tests look at; what the API server fills in is not there. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly data?: Labels;
  readonly spec?: Spec;
}

interface Spec {
  readonly type?: string;
  readonly replicas?: number;
  readonly progressDeadlineSeconds?: number;
  readonly loadBalancerClass?: string;
  readonly strategy?: unknown;
  readonly hard?: Labels;
  readonly policyTypes?: readonly string[];
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly ingress?: readonly {
    readonly from?: readonly { readonly podSelector: { readonly matchLabels: Labels } }[];
    readonly ports: readonly { readonly port: number }[];
  }[];
  readonly egress?: readonly {
    readonly to: readonly {
      readonly namespaceSelector: { readonly matchLabels: Labels };
      readonly podSelector: { readonly matchLabels: Labels };
    }[];
    readonly ports?: readonly { readonly port: number }[];
  }[];
  /** Of a Service it holds labels, of a Deployment or a budget it holds `matchLabels`. */
  readonly selector?: Labels | { readonly matchLabels: Labels };
  readonly ports?: readonly {
    readonly port: number;
    readonly targetPort: string | number;
    readonly protocol: string;
  }[];
  readonly template?: PodTemplate;
  /** Of a StatefulSet. */
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly automountServiceAccountToken?: boolean;
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly topologySpreadConstraints?: readonly Readonly<Record<string, unknown>>[];
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly {
      readonly name: string;
      readonly configMap?: { readonly name: string };
      readonly emptyDir?: object;
    }[];
  };
}

export interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly requests: Labels; readonly limits: Labels };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
  readonly [probe: `${string}Probe`]: unknown;
  readonly lifecycle?: unknown;
}

/** The Kubernetes objects of a recording, in the order of their URNs; what a chart makes is not among them. */
export function manifests({ resources }: Recording): Manifest[] {
  return resources
    .filter(({ type }) => type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm"))
    .map(({ inputs }) => unwrapSecrets(inputs) as unknown as Manifest);
}

/** @throws Error where there is not exactly one */
export function manifest(recording: Recording, kind: string, name?: string): Manifest {
  const found = manifests(recording).filter(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  );
  const [first, second] = found;
  if (first === undefined || second !== undefined) {
    throw new Error(`${found.length} of the recorded objects are ${kind} ${name ?? ""}`);
  }
  return first;
}

/** The labels by which an object selects pods; undefined where it selects none. */
export function selectorOf({ spec }: Manifest): Labels | undefined {
  const selector = spec?.selector ?? spec?.podSelector;
  if (selector === undefined) return undefined;
  return "matchLabels" in selector ? (selector.matchLabels as Labels) : (selector as Labels);
}

export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
