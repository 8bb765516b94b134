import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../../config/schema";
import { type Place, Workload } from "../workload";
import { siteContent } from "./content";
import { CONTENT_DIRECTORY, DRAIN_COMMAND, HEALTH_PATH, HTTP_PORT } from "./image/recipe";

export interface NginxArgs extends Omit<Config["apps"]["nginx"], "namespace" | "image"> {
  readonly place: Place;
  readonly image: pulumi.Input<string>;
}

/** The site on nginx: stateless replicas, replaced one by one without a lost request. */
export function nginx({ place, ...args }: NginxArgs, opts: pulumi.ComponentResourceOptions) {
  const entry = place.capabilities.ingress === undefined ? undefined : args.ingress;
  return new Workload(
    "nginx",
    {
      place,
      replicas: args.replicas,
      rolloutTimeout: `${args.rolloutTimeoutSeconds}s`,
      containers: {
        nginx: {
          image: args.image,
          resources: args.resources,
          ports: { http: HTTP_PORT },
          health: { path: HEALTH_PATH, port: "http" },
          // Ends keep-alive connections before nginx is told to quit, and outlasts kube-proxy's update.
          preStop: { command: [DRAIN_COMMAND] },
          mounts: { "cool-volume": CONTENT_DIRECTORY, tmp: "/tmp" },
        },
      },
      volumes: {
        "cool-volume": { configMap: "content", data: siteContent() },
        tmp: { emptyDir: "16Mi" },
      },
      service: {
        ports: { http: args.port },
        // Without a controller the entry leads nowhere, and the site stays where it is.
        from: entry === undefined ? "loadBalancer" : [],
      },
      ingress: args.ingress && { ...args.ingress, port: "http" },
    },
    opts,
  );
}
