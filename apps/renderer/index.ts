import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../../config/schema";
import { HEALTH_PATH, HTTP_PORT } from "../node/base";
import { type Place, POD_NAME, Workload } from "../workload";

export interface RendererArgs extends Omit<Config["apps"]["renderer"], "namespace" | "image"> {
  readonly place: Place;
  readonly image: pulumi.Input<string>;
  /** Names of the workloads that may call it. */
  readonly from: readonly string[];
}

/** Turns Markdown into pages: any of its pods does, and says so in the header `x-rendered-by`. */
export function renderer({ place, ...args }: RendererArgs, opts: pulumi.ComponentResourceOptions) {
  return new Workload(
    "renderer",
    {
      place,
      replicas: args.replicas,
      rolloutTimeout: `${args.rolloutTimeoutSeconds}s`,
      containers: {
        renderer: {
          image: args.image,
          resources: args.resources,
          ports: { http: HTTP_PORT },
          env: { POD_NAME },
          health: { path: HEALTH_PATH, port: "http" },
        },
      },
      service: { ports: { http: 80 }, from: args.from },
    },
    opts,
  );
}
