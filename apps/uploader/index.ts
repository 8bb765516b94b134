import type * as pulumi from "@pulumi/pulumi";

import type { Config } from "../../config/schema";
import { HEALTH_PATH, HTTP_PORT } from "../node/base";
import { type Endpoint, type Place, POD_NAME, Workload } from "../workload";
import { JOURNAL_COMMAND, JOURNAL_PORT } from "./image/recipe";

const DATA_DIRECTORY = "/data";
const JOURNAL_DIRECTORY = "/journal";
const SECRETS_DIRECTORY = "/secrets";
const TOKEN = "token";

export interface UploaderArgs extends Omit<Config["apps"]["uploader"], "namespace" | "image"> {
  readonly place: Place;
  readonly image: pulumi.Input<string>;
  /** What makes pages of the texts. */
  readonly renderer: Endpoint;
}

/** Takes texts over HTTP, keeps them on a volume of its own, and calls the renderer by its Service. */
export function uploader({ place, ...args }: UploaderArgs, opts: pulumi.ComponentResourceOptions) {
  const secured = args.token !== undefined;
  return new Workload(
    "uploader",
    {
      place,
      // Its files lie on one volume, so that one pod has them: a second would answer with others.
      replicas: 1,
      exceptions: {
        "workload-min-replicas": {
          until: "2027-04-30",
          reason: "its files lie on one volume, which one pod has at a time",
        },
      },
      rolloutTimeout: `${args.rolloutTimeoutSeconds}s`,
      containers: {
        uploader: {
          image: args.image,
          resources: args.resources,
          ports: { http: HTTP_PORT },
          env: {
            ...{ POD_NAME, DATA_DIRECTORY, JOURNAL_DIRECTORY, RENDERER_URL: args.renderer.url },
            ...(secured && { TOKEN_FILE: `${SECRETS_DIRECTORY}/${TOKEN}` }),
          },
          health: { path: HEALTH_PATH, port: "http" },
          ready: { path: "/readyz", port: "http" },
          mounts: {
            ...{ data: DATA_DIRECTORY, journal: JOURNAL_DIRECTORY },
            ...(secured && { secrets: SECRETS_DIRECTORY }),
          },
        },
      },
      // Ships what the uploader writes down, so that the uploader waits for nobody who reads it.
      sidecars: {
        journal: {
          image: args.image,
          command: JOURNAL_COMMAND,
          resources: args.resources,
          ports: { journal: JOURNAL_PORT },
          env: { JOURNAL_DIRECTORY },
          health: { path: HEALTH_PATH, port: "journal" },
          mounts: { journal: JOURNAL_DIRECTORY },
        },
      },
      volumes: {
        data: {
          perReplica: args.storage.size,
          whenDeleted: args.storage.whenDeleted,
          orEmptyDir: true,
        },
        journal: { emptyDir: "16Mi" },
        ...(args.token && { secrets: { externalSecrets: { [TOKEN]: args.token } } }),
      },
      protect: args.storage.protect,
      // Without a token nobody has to say who he is; from outside it is open only where a port is configured.
      service: {
        ports: { http: args.port ?? 80 },
        from: args.port === undefined ? [] : "loadBalancer",
      },
      ingress: args.ingress && { ...args.ingress, port: "http" },
      reaches: [args.renderer],
    },
    opts,
  );
}
