import type { IngressCapability } from "../../cluster";
import { defaultOf, type Finding, type IngressClass } from "./objects";

const DEFAULT_CLASS = ["ingressclass.kubernetes.io/is-default-class"];
const ALB = "alb.ingress.kubernetes.io";

/** What the Ingresses of a controller need beside its class; of others nothing is known to be needed. */
const NEEDED: Readonly<Record<string, Partial<IngressCapability>>> = {
  // Else it sends to nodes, where a Service of type ClusterIP has no port.
  "ingress.k8s.aws/alb": {
    annotations: { [`${ALB}/target-type`]: "ip" },
    healthPathAnnotation: `${ALB}/healthcheck-path`,
  },
};

/**
 * The default IngressClass, or the only one. Who made it decides on certificates and addresses, which
 * nothing tells: an app names the Secret of its certificate, and its pods admit requests from everywhere.
 */
export function ingressOf(
  classes: readonly IngressClass[],
): Finding<IngressCapability | undefined> {
  const [only] = classes.length === 1 ? classes : [];
  const chosen = defaultOf(classes, DEFAULT_CLASS) ?? only;
  if (chosen === undefined) {
    const names = classes.map(({ metadata }) => metadata.name).join(", ");
    const sign = classes.length === 0 ? "no IngressClass" : `none of ${names} is the default`;
    return { value: undefined, sign };
  }
  const { metadata, spec } = chosen;
  const needed = NEEDED[spec?.controller ?? ""];
  return {
    value: { className: metadata.name, annotations: {}, tls: false, ...needed },
    sign: metadata.name,
  };
}
