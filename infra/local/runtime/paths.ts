import { join } from "node:path";

/** Where a cluster keeps its files. Everything below `root` and `run` goes with the cluster. */
export interface ClusterPaths {
  /** `.drydock/clusters/<name>` of the project: data, certificates, logs. Mode 0700. */
  readonly root: string;
  readonly record: string;
  /** For the user: the administrator's kubeconfig with inline certificates. Mode 0600. */
  readonly kubeconfig: string;
  readonly logs: string;
  readonly pids: string;
  /** The components that should run: command, log and pid file of each. */
  readonly components: string;
  /** What the supervisor last saw and did. */
  readonly supervision: string;
  readonly certificates: string;
  /** kwokctl's own folder and the cluster's folder in it. */
  readonly kwokWorkdir: string;
  readonly controlPlane: string;
  readonly controlPlaneCertificates: string;
  /** etcd's data and the certificates, once kwokctl has had to make its folder anew around them. */
  readonly controlPlaneData: string;
  /** Copies of etcd's data. They hold Secrets: mode 0700. */
  readonly snapshots: string;
  /** The key that Secrets are encrypted with in etcd. Mode 0600. */
  readonly encryption: string;
  readonly node: string;
  /** Images, as the cluster's own registry keeps them. */
  readonly registry: string;
  /**
   * Sockets and mounts of the real node. Short and outside the project, because a Unix socket's
   * path ends at 107 bytes.
   */
  readonly run: string;
  readonly containerdSocket: string;
}

/** kwokctl's name for the one cluster in its folder. */
export const KWOK_CLUSTER = "cluster";

export function clusterPaths(projectRoot: string, name: string): ClusterPaths {
  const root = join(projectRoot, ".drydock", "clusters", name);
  const kwokWorkdir = join(root, "control-plane");
  const controlPlane = join(kwokWorkdir, "clusters", KWOK_CLUSTER);
  const run = join("/run/drydock", name);
  return {
    root,
    record: join(root, "cluster.json"),
    kubeconfig: join(root, "kubeconfig"),
    logs: join(root, "logs"),
    pids: join(root, "pids"),
    components: join(root, "components"),
    supervision: join(root, "supervision.json"),
    certificates: join(root, "pki"),
    kwokWorkdir,
    controlPlane,
    controlPlaneCertificates: join(controlPlane, "pki"),
    controlPlaneData: join(kwokWorkdir, "data"),
    snapshots: join(root, "snapshots"),
    encryption: join(root, "encryption.json"),
    node: join(root, "node"),
    registry: join(root, "registry"),
    run,
    containerdSocket: join(run, "containerd.sock"),
  };
}
