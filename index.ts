import * as pulumi from "@pulumi/pulumi";

import { deployApps } from "./apps";
import { loadConfig } from "./config/load";
import { createCluster } from "./infra/cluster";
import { Platform } from "./infra/platform";

/** The program; what it returns are the stack's outputs. */
export = async () => {
  const config = loadConfig(new pulumi.Config());
  const cluster = await createCluster("cluster", config.cluster);
  const platform = new Platform("platform", config.platform, cluster.options);
  const apps = deployApps(config.apps, { cluster, platform }, cluster.options);

  return {
    nginxUrl: apps.nginx.url,
    /** Inside the cluster, unless a port of the load balancer or an ingress is configured. */
    uploaderUrl: apps.uploader.url,
    clusterName: cluster.name,
    kubeconfig: pulumi.secret(cluster.kubeconfig),
    /** False where every node is simulated: the URL then answers nothing. */
    servesTraffic: cluster.servesTraffic,
  };
};
