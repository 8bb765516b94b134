import * as pulumi from "@pulumi/pulumi";

import { deployApps } from "./apps";
import { loadConfig } from "./config/load";
import { createCluster } from "./infra/cluster";
import { Platform } from "./infra/platform";

const config = loadConfig(new pulumi.Config());
const cluster = createCluster("cluster", config.cluster);
const platform = new Platform("platform", config.platform, cluster.options);
const apps = deployApps(config.apps, { cluster, platform }, cluster.options);

export const nginxUrl = apps.nginx.url;
export const clusterName = cluster.name;
export const kubeconfig = pulumi.secret(cluster.kubeconfig);
/** False where every node is simulated: the URL then answers nothing. */
export const servesTraffic = cluster.servesTraffic;
