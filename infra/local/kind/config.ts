import { stringify } from "yaml";

/**
 * The NodePorts of a cluster: as many Services of type LoadBalancer or NodePort as it can have ports. Each
 * is published once, when the node's container is made: later no engine can add one.
 */
export const NODE_PORTS = { first: 30_000, count: 16 } as const;

export interface KindConfig {
  readonly image: string;
  /** Loopback port of this machine at which the first of {@link NODE_PORTS} answers; the others follow it. */
  readonly firstHostPort: number;
}

/**
 * kind's own configuration: one node, whose NodePorts answer on loopback ports of this machine. An
 * address of the container would do with a Docker of root only: neither rootless Podman nor Docker
 * Desktop lets the host reach it.
 */
export function kindConfig({ image, firstHostPort }: KindConfig): string {
  const { first, count } = NODE_PORTS;
  const range = `${String(first)}-${String(first + count - 1)}`;
  // JSON patch, since a merge would replace the list; kubeadm's version is that of the pinned Kubernetes.
  const patch = [
    {
      op: "add",
      path: "/apiServer/extraArgs/-",
      value: { name: "service-node-port-range", value: range },
    },
  ];
  return stringify({
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    networking: { apiServerAddress: "127.0.0.1" },
    kubeadmConfigPatchesJSON6902: [
      {
        group: "kubeadm.k8s.io",
        version: "v1beta4",
        kind: "ClusterConfiguration",
        patch: stringify(patch),
      },
    ],
    nodes: [
      {
        role: "control-plane",
        image,
        extraPortMappings: Array.from({ length: count }, (_, index) => ({
          containerPort: first + index,
          hostPort: firstHostPort + index,
          listenAddress: "127.0.0.1",
          protocol: "TCP",
        })),
      },
    ],
  });
}
