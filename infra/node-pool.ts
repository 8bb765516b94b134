/** `spec` of a NodePool of Karpenter (karpenter.sh/v1): as much of it as is used here, for any cloud. */
export interface NodePoolSpec {
  readonly template: {
    readonly metadata?: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly nodeClassRef: {
        readonly group: string;
        readonly kind: string;
        readonly name: string;
      };
      /** Age at which a node is replaced: a duration ("336h"), or `Never`. */
      readonly expireAfter: string;
      readonly requirements: readonly Requirement[];
      readonly taints?: readonly {
        readonly key: string;
        readonly value?: string;
        readonly effect: string;
      }[];
    };
  };
  readonly disruption: {
    readonly consolidationPolicy: "WhenEmpty" | "WhenEmptyOrUnderutilized";
    /** How long no pod has come or gone before a node is looked at: a duration ("1m"). */
    readonly consolidateAfter: string;
    /** How many nodes may go at once: a number, or a share ("10%"). */
    readonly budgets: readonly { readonly nodes: string }[];
  };
  /** Of all nodes of the pool together. */
  readonly limits: { readonly cpu: string; readonly memory: string };
}

/** What a node's label must be, so that it may be made. */
export interface Requirement {
  readonly key: string;
  readonly operator: "In" | "Gt";
  readonly values: readonly string[];
}

export function among(key: string, values: readonly string[]): Requirement {
  return { key, operator: "In", values };
}
