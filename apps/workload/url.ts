/** One entry of a Service's `status.loadBalancer.ingress`. */
interface Ingress {
  readonly ip?: string;
  readonly hostname?: string;
}

/**
 * The http URL at which a Service answers: at its load balancer where there is one, else at its name
 * inside the cluster.
 */
export function serviceUrl(
  service: { readonly name: string; readonly namespace: string; readonly port: number },
  ingress: Ingress | undefined,
): string {
  const host =
    ingress?.hostname ?? bracketed(ingress?.ip) ?? `${service.name}.${service.namespace}.svc`;
  return `http://${host}${service.port === 80 ? "" : `:${service.port}`}`;
}

function bracketed(address: string | undefined): string | undefined {
  return address?.includes(":") === true ? `[${address}]` : address;
}
