import { z } from "zod";

/** Kubernetes' rule for the part of a key after the slash, and for values. */
const NAME = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?";
const DNS_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const KEY = new RegExp(`^(?:(?=[^/]{1,253}/)${DNS_LABEL}(?:\\.${DNS_LABEL})*/)?${NAME}$`);
const VALUE = new RegExp(`^(?:${NAME})?$`);

export const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

/** Labels below kubernetes.io and k8s.io that a kubelet may set on its node, so that a user may too. */
const OPEN_PREFIXES = ["topology.kubernetes.io", "node.kubernetes.io", "kubelet.kubernetes.io"];

export const KEY_RULE =
  "a key of Kubernetes: at most 63 letters, digits, -, _ and ., a letter or digit at both ends, " +
  "with or without a DNS name and a slash before it (example.com/pool)";
export const VALUE_RULE =
  "a text of at most 63 letters, digits, -, _ and ., a letter or digit at both ends, or empty";
export const RESERVED_LABEL_RULE =
  "a key outside kubernetes.io and k8s.io, which Kubernetes keeps for itself (open are topology.kubernetes.io, " +
  "node.kubernetes.io and kubelet.kubernetes.io): use a prefix of your own, such as example.com/";
export const RESERVED_TAINT_RULE =
  "a key outside kubernetes.io and k8s.io, where Kubernetes sets and removes taints itself: " +
  "use a prefix of your own, such as example.com/";
/** kwok's nodes are found by it. */
export const KWOK_LABEL_RULE =
  "labels without the key type, by which the simulated nodes are known";

// kwok.x-k8s.io is not below k8s.io: the community's own prefixes are free.
const prefixOf = (key: string): string => (key.includes("/") ? (key.split("/")[0] ?? "") : "");

const isReserved = (key: string): boolean => /(?:^|\.)(?:kubernetes|k8s)\.io$/.test(prefixOf(key));

export const isLabelKeyOpen = (key: string): boolean =>
  !isReserved(key) || OPEN_PREFIXES.includes(prefixOf(key));

export const isTaintKeyOpen = (key: string): boolean => !isReserved(key);

const key = () => z.string().regex(KEY, { error: KEY_RULE });
const value = () => z.string({ error: VALUE_RULE }).regex(VALUE, { error: VALUE_RULE });
const labelValue = value().meta({ description: "Value of the label.", examples: ["ssd"] });

const labelKey = key().refine(isLabelKeyOpen, { error: RESERVED_LABEL_RULE });

export const labels = z.record(labelKey, labelValue);

/** A node without a matching toleration refuses pods: as `kubectl taint` sets it. */
const taint = z.strictObject({
  key: key()
    .refine(isTaintKeyOpen, { error: RESERVED_TAINT_RULE })
    .meta({ description: "Key that a pod's toleration names.", examples: ["example.com/batch"] }),
  value: value()
    .default("")
    .meta({ description: "Value that a toleration with operator Equal names.", examples: ["on"] }),
  effect: z.enum(TAINT_EFFECTS).meta({
    description:
      "`NoSchedule` keeps new pods away, `PreferNoSchedule` where it can, `NoExecute` also ends those that run.",
  }),
});

/** Two taints of one key and effect are one for Kubernetes, and refused by it. */
export const taints = z.array(taint).refine(areDistinct, {
  error: "a list in which no two taints have the same key and effect",
});

export type Labels = z.output<typeof labels>;
export type Taint = z.output<typeof taint>;

function areDistinct(list: readonly { key: string; effect: string }[]): boolean {
  return new Set(list.map((it) => `${it.key}:${it.effect}`)).size === list.length;
}
