import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../config/schema";
import type { Cluster } from "../infra/cluster";
import type { Platform } from "../infra/platform";
import { appImages } from "./images";
import { Nginx } from "./nginx";

/** Wires the workloads: each gets what it needs of the cluster, and none asks what kind it is. */
export function deployApps(
  { nginx }: Config["apps"],
  { cluster, platform }: { readonly cluster: Cluster; readonly platform: Platform },
  opts: pulumi.ComponentResourceOptions,
) {
  const { loadBalancer, zones } = cluster.capabilities;
  const { image = cluster.image("nginx", appImages.nginx()), ...settings } = nginx;
  const after = platform.namespace(nginx.namespace);
  return { nginx: new Nginx("nginx", { ...settings, image, loadBalancer, zones, after }, opts) };
}
