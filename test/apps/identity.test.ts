import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, vi } from "vitest";

import { type IdentityRequest, type Place, Workload } from "../../apps/workload";
import type { Volume } from "../../apps/workload/volume";
import { checkGrants, EKS_POD_IDENTITY, type IdentityArgs } from "../../infra/identity";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import type { Recording } from "../../review/recording/recorder";
import { record } from "../../review/recording/recording";
import { manifest } from "../support/manifests";
import { place } from "./place";

const image = `example.com/app@sha256:${"a".repeat(64)}`;
const app = {
  image,
  resources: { cpu: "50m", memory: "64Mi" },
  ports: { http: 8080 },
  health: { path: "/", port: "http" },
} as const;
const grants = [
  { sid: "KeepPages", actions: ["s3:PutObject"], resources: ["arn:aws:s3:::pages/*"] },
] as const satisfies IdentityRequest["grants"];

interface Part {
  readonly identity?: IdentityRequest;
  readonly volumes?: { readonly keys: Volume };
}

const recorded = (part: Part, at: () => Place = place): Promise<Recording> =>
  record(
    () => {
      new Workload("app", { place: at(), replicas: 2, containers: { app }, ...part });
      return Promise.resolve({});
    },
    { mode: "update", model: { resources: kubernetesModel, functions: {} } },
  );

describe("a workload that acts in the cloud", () => {
  it("asks for one identity, of its own account, and starts after it", async () => {
    const asked: [string, IdentityArgs][] = [];
    const recording = await recorded({ identity: { grants } }, () => ({
      ...place({ podIdentity: EKS_POD_IDENTITY }),
      identity: (workload, args) => {
        asked.push([workload, args]);
        return [new k8s.core.v1.ConfigMap("association")];
      },
    }));
    const account = { namespace: "web", serviceAccount: "app" };
    expect(asked).toEqual([["app", { ...account, grants, optional: false }]]);
    const association = recording.resources.find(({ name }) => name === "association");
    const deployment = recording.resources.find(({ type }) => type.endsWith(":Deployment"));
    expect(deployment?.dependencies).toContain(association?.urn);
  });

  it("reaches the agent on its node, AWS's interfaces and the name server, and no metadata", async () => {
    const recording = await recorded({ identity: { grants } }, () => ({
      ...place({ podIdentity: EKS_POD_IDENTITY }),
      identity: () => [],
    }));
    const [names, ...egress] = manifest(recording, "NetworkPolicy", "app").spec?.egress ?? [];
    expect(JSON.stringify(names)).toContain("kube-dns");
    expect(egress).toEqual([
      {
        to: [{ ipBlock: { cidr: "169.254.170.23/32" } }],
        ports: [{ protocol: "TCP", port: 80 }],
      },
      {
        to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["169.254.0.0/16"] } }],
        ports: [{ protocol: "TCP", port: 443 }],
      },
    ]);
  });

  it("is refused by name where the cluster gives pods no identity", async () => {
    await expect(recorded({ identity: { grants } })).rejects.toThrow(
      "app cannot act in the cloud: it needs s3:PutObject\n" +
        "  why: this cluster gives the service account app of web no identity of a cloud\n" +
        "  fix: deploy it to a cluster with EKS Pod Identity, or leave out what needs the identity",
    );
  });

  it("does without where it says that it can, which is told", async () => {
    const told = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const recording = await recorded({ identity: { grants, optional: true } });
    expect(told.mock.calls.map(([message]) => message)).toEqual([
      "app does without an identity in the cloud, which this cluster does not give it: s3:PutObject.",
    ]);
    told.mockRestore();
    expect(manifest(recording, "Deployment", "app")).toBeDefined();
    expect(manifest(recording, "NetworkPolicy", "app").spec?.egress).toBeUndefined();
  });
});

describe("a volume with entries of AWS Secrets Manager", () => {
  const secretArn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:key-AbCdEf";
  const elsewhere = "arn:aws:secretsmanager:us-east-1:111122223333:secret:key-GhIjKl";

  it("is refused by name where the cluster has no driver for it", async () => {
    const volumes = { keys: { externalSecrets: { key: { secretArn } } } } as const;
    await expect(recorded({ volumes })).rejects.toThrow(
      "the volume keys of app cannot be made\n" +
        "  why: the cluster has no Secrets Store CSI driver with AWS's provider",
    );
  });

  it("takes those of one region", async () => {
    const externalSecrets = { key: { secretArn }, other: { secretArn: elsewhere } } as const;
    const offered = () => place({ externalSecrets: true });
    await expect(recorded({ volumes: { keys: { externalSecrets } } }, offered)).rejects.toThrow(
      "why: its entries lie in eu-central-1, us-east-1; a volume takes those of one region",
    );
  });

  it("needs its role, whatever the workload itself can do without", async () => {
    const volumes = { keys: { externalSecrets: { key: { secretArn } } } } as const;
    const identity = { grants, optional: true };
    const offered = () => place({ externalSecrets: true });
    await expect(recorded({ volumes, identity }, offered)).rejects.toThrow(
      "it needs s3:PutObject, secretsmanager:GetSecretValue, secretsmanager:DescribeSecret",
    );
  });
});

describe("rights in the cloud", () => {
  it.each([
    "arn:aws:s3:::pages",
    "arn:aws:s3:::pages/*",
    "arn:aws:s3:::pages/2026/*",
    "arn:aws-cn:sqs:cn-north-1:111122223333:jobs",
    "arn:aws:secretsmanager:eu-central-1:111122223333:secret:key-AbCdEf",
  ] as const)("may be about %s", (resource) => {
    const grant = { sid: "One", actions: ["s3:GetObject"], resources: [resource] } as const;
    expect(() => checkGrants("app", [grant])).not.toThrow();
  });

  it.each([
    "arn:aws:s3:::*",
    "arn:aws:s3:::pa*",
    "arn:aws:s3:::*/pages",
    "arn:aws:s3:::pages/*/x",
    "arn:aws:s3:::pages/?",
    "arn:aws:*:eu-central-1:111122223333:jobs",
    "arn:aws:sqs:*:111122223333:jobs",
    "arn:aws:sqs:eu-central-1:*:jobs",
    "arn:aws:dynamodb:eu-central-1:111122223333:table/*",
    "arn:aws:secretsmanager:eu-central-1:111122223333:secret:key-??????",
    "arn:*:s3:::pages",
    "arn:aws:s3:::",
  ] as const)("may not be about %s", (resource) => {
    const grant = { sid: "One", actions: ["s3:GetObject"], resources: [resource] } as const;
    expect(() => checkGrants("app", [grant])).toThrow(`resource "${resource}": must be one ARN`);
  });

  it("are refused with all that is wrong with them, by the workload's name", () => {
    const wide = {
      sid: "read it",
      actions: ["s3:Get*", "s3:*", "*:*"],
      resources: ["arn:aws:s3:::*"],
    } as const;
    const check = () => checkGrants("app", [grants[0], wide, grants[0]]);
    expect(check).toThrow(
      `the identity of app cannot be made
  sid "read it": must be letters and digits; remove the others
  action "s3:Get*": must be one action by its full name; list each that is needed (s3:GetObject)
  action "s3:*": must be one action by its full name; list each that is needed (s3:GetObject)
  action "*:*": must be one action by its full name; list each that is needed (s3:GetObject)
  resource "arn:aws:s3:::*": must be one ARN, with a * only behind a bucket's name; list each that is needed (arn:aws:s3:::bucket/*)
  sid "KeepPages": must be unique; say what each grant is for`,
    );
  });
});
