import { planSubnets } from "../../config/cidr";
import type { IngressCapability } from "../cluster";
import type { EksConfig } from "./place";

/** Made by the chart of the AWS Load Balancer Controller. */
const CLASS = "alb";
const PREFIX = "alb.ingress.kubernetes.io";
/** TLS 1.2 and 1.3, with forward secrecy. */
const TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

type IngressConfig = Pick<EksConfig, "network" | "loadBalancer" | "autoscaling">;

/**
 * What an Ingress needs to get its rules onto the cluster's one Application Load Balancer, which sends
 * straight to the pods, by HTTPS with the certificate that ACM has for the host. Undefined in Auto Mode,
 * where only a class of the cluster's own, which is not made, would say all this.
 * https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
 */
export function ingressCapability({
  network,
  loadBalancer: { scheme, sourceCidrs },
  autoscaling,
}: IngressConfig): IngressCapability | undefined {
  if (autoscaling.kind === "autoMode") return undefined;
  const internal = scheme === "internal";
  const settings = {
    // One load balancer for all Ingresses: each would have, and pay for, one of its own.
    "group.name": "apps",
    scheme: internal ? "internal" : "internet-facing",
    "target-type": "ip",
    "listen-ports": JSON.stringify([{ HTTPS: 443 }]),
    "ssl-policy": TLS_POLICY,
    ...(sourceCidrs.length > 0 && { "inbound-cidrs": sourceCidrs.join(",") }),
  };
  const annotations = Object.entries(settings).map(([key, value]) => [`${PREFIX}/${key}`, value]);
  const subnets = Object.values(planSubnets(network.cidr, network.zones));
  return {
    className: CLASS,
    annotations: Object.fromEntries(annotations) as Record<string, string>,
    healthPathAnnotation: `${PREFIX}/healthcheck-path`,
    tls: true,
    // Its addresses are of the subnets that its scheme puts it in; in private ones pods are too.
    sources: subnets.map((one) => ({
      ipBlock: { cidr: internal ? one.private : one.public },
    })),
  };
}
