import type { types } from "@pulumi/kubernetes";

import type { IngressCapability } from "../../infra/cluster";
import type { Container } from "./container";

type IngressSpec = types.input.networking.v1.IngressSpec;

export interface IngressArgs<Port extends string> {
  /** Name of the container's port that requests go to; the Service must have it. */
  readonly port: Port;
  /** Name by which clients ask. Default: every name that no other Ingress has. */
  readonly host?: string | undefined;
  /** Requests at and below them go to the workload, unchanged. Default: all. */
  readonly paths?: readonly string[];
  /** Secret with the host's certificate. Default: the controller's own where it has one, else no TLS. */
  readonly tlsSecret?: string | undefined;
}

/** Where requests come in, once the cluster is known to have a controller. */
export interface Entry extends IngressArgs<string> {
  readonly capability: IngressCapability;
  /** Where the pods say that they are well; undefined: nowhere by HTTP. */
  readonly healthPath: string | undefined;
}

/** The path of the check of the container that has the port, where it asks at that port. */
export function healthPath(
  containers: Readonly<Record<string, Container>>,
  port: string,
): string | undefined {
  const owner = Object.values(containers).find(({ ports = {} }) => port in ports);
  const check = owner?.ready ?? owner?.health;
  if (check === undefined || "command" in check || check.port !== port) return undefined;
  return "path" in check && typeof check.path === "string" ? check.path : undefined;
}

export function ingressAnnotations({ capability, healthPath }: Entry): Record<string, string> {
  const { annotations, healthPathAnnotation: key } = capability;
  return {
    ...annotations,
    ...(key !== undefined && healthPath !== undefined && { [key]: healthPath }),
  };
}

/** @param service its name */
export function ingressSpec(entry: Entry, service: string): IngressSpec {
  const { capability, host, port, paths = ["/"], tlsSecret } = entry;
  const backend = { service: { name: service, port: { name: port } } };
  const rule = { http: { paths: paths.map((path) => ({ path, pathType: "Prefix", backend })) } };
  const tls = {
    ...(host !== undefined && { hosts: [host] }),
    ...(tlsSecret !== undefined && { secretName: tlsSecret }),
  };
  return {
    ingressClassName: capability.className,
    rules: [{ ...(host !== undefined && { host }), ...rule }],
    ...(hasTls(entry) && { tls: [tls] }),
  };
}

/** One entry of an Ingress's `status.loadBalancer.ingress`. */
export interface IngressAddress {
  readonly ip?: string;
  readonly hostname?: string;
  /** Not every controller tells them. */
  readonly ports?: readonly { readonly port?: number }[];
}

/** The URL at which an Ingress answers; "" where it has neither a host nor an address yet. */
export function ingressUrl(entry: Entry, address: IngressAddress | undefined): string {
  const { host = address?.hostname ?? address?.ip, paths = ["/"] } = entry;
  if (host === undefined) return "";
  const [scheme, usual] = hasTls(entry) ? (["https", 443] as const) : (["http", 80] as const);
  const port = address?.ports?.[0]?.port ?? usual;
  const path = paths[0] === "/" ? "" : (paths[0] ?? "");
  return `${scheme}://${host}${port === usual ? "" : `:${String(port)}`}${path}`;
}

function hasTls({ capability, tlsSecret }: Entry): boolean {
  return capability.tls || tlsSecret !== undefined;
}
