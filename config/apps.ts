import { z } from "zod";

import {
  cpu,
  dnsLabel,
  hostName,
  imageReference,
  keyArn,
  memory,
  secretArn,
  urlPath,
} from "./fields";
import type { Cpu, Memory } from "./quantity";

/** Each app has defaults of its own. */
const resources = (requestedCpu: Cpu, requestedMemory: Memory) =>
  z
    .strictObject({
      cpu: cpu()
        .default(requestedCpu)
        .meta({
          description: "CPU that each container requests; it may use more where there is some.",
          examples: ["25m"],
        }),
      memory: memory()
        .default(requestedMemory)
        .meta({
          description:
            "Memory that each container requests, and its limit: beyond it it is killed.",
          examples: ["32Mi"],
        }),
    })
    .prefault({})
    .meta({ description: "Resources of each container." });

const namespace = dnsLabel()
  .default("web")
  .meta({ description: "One of `drydock:platform.namespaces`." });

const image = (what: string) =>
  imageReference()
    .optional()
    .meta({
      description: `Another image instead of ${what}, which is built and pinned by digest.`,
      examples: ["registry.example.com/site:1.2.3"],
    });

const rolloutTimeoutSeconds = z
  .int()
  .min(10)
  .max(3600)
  .default(180)
  .meta({
    description: "Seconds a rollout may take before the update fails; the old pods go on serving.",
    examples: [180],
  });

const port = z.int().min(1).max(65535);

/** @param instead what the entry takes the place of */
const ingress = (instead: string) =>
  z
    .strictObject({
      host: hostName()
        .optional()
        .meta({
          description:
            "Name by which clients ask for the app. It must lead to the ingress's address; names below `.localhost` lead " +
            "to this machine in browsers and curl. Not set: every name that no other app has. On EKS it must be set: the " +
            "certificate is looked for by it.",
          examples: ["site.example.com"],
        }),
      paths: z
        .array(urlPath())
        .min(1, { error: "at least one path" })
        .default(["/"])
        .meta({
          description:
            "Paths at and below which requests go to the app, as the client sends them; the longest that fits counts.",
          examples: [["/"]],
        }),
      tlsSecret: dnsLabel()
        .optional()
        .meta({
          description:
            "Secret of type kubernetes.io/tls in the app's namespace, for a controller that takes certificates from " +
            "Secrets: that of an existing cluster. Not set: on EKS the certificate for `host` in ACM, else no TLS.",
          examples: ["site-tls"],
        }),
    })
    .optional()
    .meta({
      description:
        `The app's entry at the cluster's ingress controller, ${instead} Where the cluster has no such controller ` +
        "the preview says so, and the app is where it would be without an entry.",
      examples: [{ host: "site.example.com" }],
    });

const nginx = z
  .strictObject({
    namespace,
    replicas: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .meta({
        description:
          "Pods that serve the site. 0 keeps the Service and its address, and serves nothing.",
        examples: [3],
      }),
    port: port.default(80).meta({
      description: "TCP port at which the load balancer answers.",
      examples: [8080],
    }),
    ingress: ingress("in the place of a load balancer of its own."),
    image: image("the project's own site"),
    resources: resources("25m", "32Mi"),
    rolloutTimeoutSeconds,
  })
  .meta({ description: "The site on nginx." });

const renderer = z
  .strictObject({
    namespace,
    replicas: z
      .int()
      .min(0)
      .max(100)
      .default(2)
      .meta({
        description:
          "Pods that render; each request goes to any of them. 0: uploads are stored only.",
        examples: [2],
      }),
    image: image("the project's own renderer"),
    resources: resources("25m", "96Mi"),
    rolloutTimeoutSeconds,
  })
  .meta({ description: "Turns Markdown into pages for the uploader." });

const storage = z
  .strictObject({
    size: memory("room")
      .default("1Gi")
      .meta({
        description:
          "Size of the volume. It cannot be changed. Without a StorageClass of the cluster: limit of an emptyDir, whose " +
          "files go with the pod.",
        examples: ["1Gi"],
      }),
    whenDeleted: z.enum(["Retain", "Delete"]).default("Retain").meta({
      description:
        "What becomes of the volume's claim when the uploader is deleted. A deleted namespace takes it along.",
    }),
    protect: z.boolean().default(false).meta({
      description:
        "Whether Pulumi refuses to delete the uploader, and with it the stack, as long as this is true.",
    }),
  })
  .meta({ description: "Where the files are kept." });

const token = z
  .strictObject({
    secretArn: secretArn().meta({
      description:
        "Entry of AWS Secrets Manager that is the token: its whole value, without spaces. Another value is taken up by " +
        "pods that start after it.",
      examples: ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:uploader-token-AbCdEf"],
    }),
    keyArn: keyArn()
      .optional()
      .meta({
        description:
          "Key of KMS that encrypts the entry. Not set: the one that AWS has for Secrets Manager.",
        examples: [
          "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ],
      }),
  })
  .meta({
    description:
      "A token that whoever stores files has to show, as `Authorization: Bearer`. It needs a cluster on EKS with " +
      "`secrets.externalStore`. The pods read it with a role of their own, and it lies neither in the stack's state nor in etcd.",
  });

const uploader = z
  .strictObject({
    namespace,
    port: port.optional().meta({
      description:
        "TCP port at which the load balancer answers. Not set: it answers inside the cluster only. Whoever reaches it " +
        "may store files, unless a token is set.",
      examples: [8081],
    }),
    ingress: ingress(
      "beside its own load balancer where `port` is set. Whoever reaches it may store files, unless a token is set.",
    ),
    image: image("the project's own uploader"),
    resources: resources("25m", "96Mi"),
    storage: storage.prefault({}),
    token: token.optional(),
    rolloutTimeoutSeconds,
  })
  .meta({ description: "Takes files, stores them and has the renderer make pages of them." });

/** Section `drydock:apps`: one key for each folder of apps/. */
export const appsSchema = z
  .strictObject({
    nginx: nginx.prefault({}),
    renderer: renderer.prefault({}),
    uploader: uploader.prefault({}),
  })
  .meta({ description: "The workloads." });

export type AppsConfig = z.output<typeof appsSchema>;
