import { beforeAll, describe, expect, it } from "vitest";

import type { Recording } from "../../review/recording/recorder";
import { type RecordedResource, textOf } from "../../review/recording/recorded";
import { manifest } from "../support/manifests";
import { recordings, title, token } from "../support/stacks";

/** As AWS has it: Pulumi adds seven characters. */
const ROLE = "uploader-role-xxxxxxx";

let update: Recording;
let preview: Recording;
beforeAll(async () => ({ update, preview } = await recordings("prod with external secrets")));

const made = (type: string, name: string, { resources } = update): RecordedResource => {
  const [found, ...more] = resources.filter((one) => one.type.endsWith(type) && one.name === name);
  if (found === undefined || more.length > 0) throw new Error(`There is not one ${type} ${name}.`);
  return found;
};
const document = ({ inputs }: RecordedResource, key: string) =>
  (JSON.parse(textOf(inputs[key])) as { Statement: unknown }).Statement;

describe("the uploader's token, in AWS Secrets Manager", () => {
  it("is read with a role that may read it, decrypt it through Secrets Manager, and nothing else", () => {
    const policies = update.resources.filter(({ inputs }) => inputs.role === ROLE);
    expect(policies.map(title)).toEqual(["aws:iam/rolePolicy:RolePolicy uploader-role-policy"]);
    expect(document(made("RolePolicy", "uploader-role-policy"), "policy")).toEqual([
      {
        Effect: "Allow",
        Sid: "ReadExternalSecrets",
        Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        Resource: [token.secretArn],
      },
      {
        Effect: "Allow",
        Sid: "DecryptExternalSecrets",
        Action: ["kms:Decrypt"],
        Resource: [token.keyArn],
        Condition: {
          StringEquals: { "kms:ViaService": ["secretsmanager.eu-central-1.amazonaws.com"] },
        },
      },
    ]);
  });

  it("is the uploader's alone: its account in its namespace of this cluster", () => {
    expect(document(made("aws:iam/role:Role", "uploader-role"), "assumeRolePolicy")).toEqual([
      {
        Effect: "Allow",
        Sid: "TrustPod",
        Principal: { Service: "pods.eks.amazonaws.com" },
        Action: ["sts:AssumeRole", "sts:TagSession"],
        Condition: {
          StringEquals: {
            "aws:SourceAccount": "111122223333",
            "aws:RequestTag/eks-cluster-arn":
              "arn:aws:eks:eu-central-1:111122223333:cluster/drydock-prod",
            "aws:RequestTag/kubernetes-namespace": "web",
            "aws:RequestTag/kubernetes-service-account": "uploader",
          },
        },
      },
    ]);
    expect(made("PodIdentityAssociation", "uploader-identity").inputs).toEqual({
      clusterName: "drydock-prod",
      namespace: "web",
      serviceAccount: "uploader",
      roleArn: `arn:aws:iam::111122223333:role/${ROLE}`,
    });
    const { spec } = manifest(update, "StatefulSet", "uploader");
    expect(spec?.template?.spec).toMatchObject({ serviceAccountName: "uploader" });
  });

  it("is a file of the uploader, and of no other container", () => {
    const volume = made("SecretProviderClass", "uploader-secrets");
    expect(volume.inputs).toMatchObject({
      apiVersion: "secrets-store.csi.x-k8s.io/v1",
      kind: "SecretProviderClass",
      metadata: { namespace: "web" },
    });
    const { provider, parameters } = volume.inputs.spec as {
      provider: string;
      parameters: Record<string, string>;
    };
    expect(provider).toBe("aws");
    expect(parameters).toEqual({
      usePodIdentity: "true",
      region: "eu-central-1",
      objects: JSON.stringify([{ objectName: token.secretArn, objectAlias: "token" }]),
    });
    const pod = manifest(update, "StatefulSet", "uploader").spec?.template?.spec;
    expect(pod?.volumes).toContainEqual({
      name: "secrets",
      csi: {
        driver: "secrets-store.csi.k8s.io",
        readOnly: true,
        volumeAttributes: { secretProviderClass: "uploader-secrets-xxxxxxxx" },
      },
    });
    const mounts = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].flatMap((one) =>
      (one.volumeMounts ?? [])
        .filter(({ name }) => name === "secrets")
        .map(({ mountPath, readOnly }) => [one.name, mountPath, readOnly]),
    );
    expect(mounts).toEqual([["uploader", "/secrets", true]]);
    expect(pod?.containers[0]?.env).toContainEqual({
      name: "TOKEN_FILE",
      value: "/secrets/token",
    });
  });

  it("can be read before a pod starts: EKS gives a pod its role as it is made", () => {
    const { dependencies } = made("StatefulSet", "uploader");
    const association = made("PodIdentityAssociation", "uploader-identity");
    expect(dependencies).toContain(association.urn);
    expect(dependencies).toContain(made("SecretProviderClass", "uploader-secrets").urn);
    expect(association.dependencies).toContain(made("RolePolicy", "uploader-role-policy").urn);
  });

  it("shows in the first preview who may read what", () => {
    const { inputs } = made("RolePolicy", "uploader-role-policy", preview);
    expect(textOf(inputs.policy)).toContain(token.secretArn);
  });

  it("opens no way out of the pod: the driver reads on its behalf", () => {
    const { spec } = manifest(update, "NetworkPolicy", "uploader");
    expect(JSON.stringify(spec?.egress)).not.toContain("ipBlock");
  });
});
