import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../config/schema";
import type { Cluster } from "../infra/cluster";
import type { Platform } from "../infra/platform";
import { appImages } from "./images";
import { nginx } from "./nginx";
import { renderer } from "./renderer";
import { uploader } from "./uploader";

/** Wires the workloads: each gets what it needs of the cluster, and none asks what kind it is. */
export function deployApps(
  config: Config["apps"],
  { cluster, platform }: { readonly cluster: Cluster; readonly platform: Platform },
  opts: pulumi.ComponentResourceOptions,
) {
  const { capabilities } = cluster;
  const on = (app: keyof Config["apps"]) => ({
    place: {
      namespace: platform.namespace(config[app].namespace),
      capabilities,
      identity: cluster.identity.bind(cluster),
    },
    image: config[app].image ?? cluster.image(app, appImages[app]()),
  });

  const site = nginx({ ...config.nginx, ...on("nginx") }, opts);
  const pages = renderer({ ...config.renderer, ...on("renderer"), from: ["uploader"] }, opts);
  const files = uploader(
    { ...config.uploader, ...on("uploader"), renderer: pages.endpoint("http") },
    opts,
  );
  return { nginx: site, renderer: pages, uploader: files };
}
