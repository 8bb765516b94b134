import * as pulumi from "@pulumi/pulumi";
import { expect, it, vi } from "vitest";

import { ExistingCluster } from "../../infra/existing";
import { EKS_POD_IDENTITY } from "../../infra/identity";
import { detected, detection, existingModel } from "../../review/recording/models/existing";
import { kubernetesModel } from "../../review/recording/models/kubernetes";
import { record } from "../../review/recording/recording";

it("a cluster of others with the agent on its nodes says which role its owner has to bind", async () => {
  const capabilities = { ...detection.capabilities, podIdentity: EKS_POD_IDENTITY };
  const told = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  await record(
    async () => {
      const cluster = await ExistingCluster.connect("cluster", {});
      const waited = cluster.identity("app", {
        namespace: "web",
        serviceAccount: "app",
        optional: false,
        grants: [
          {
            sid: "Read",
            actions: ["s3:GetObject", "s3:PutObject"],
            resources: ["arn:aws:s3:::a/*"],
          },
          {
            sid: "Send",
            actions: ["sqs:SendMessage"],
            resources: ["arn:aws:sqs:eu-west-1:111122223333:jobs"],
          },
        ],
      });
      expect(waited).toEqual([]);
      return {};
    },
    {
      mode: "update",
      model: {
        resources: { ...kubernetesModel, ...existingModel },
        functions: { "drydock:existing:detect": () => detected({ ...detection, capabilities }) },
      },
    },
  );
  expect(told.mock.calls.map(([message]) => message)).toEqual([
    "app acts in the cloud once somebody binds a role to its pods: this cluster's account is not managed here.\n" +
      "  role: trusted by pods.eks.amazonaws.com, may s3:GetObject, s3:PutObject on arn:aws:s3:::a/*; sqs:SendMessage on arn:aws:sqs:eu-west-1:111122223333:jobs\n" +
      "  bind: aws eks create-pod-identity-association --namespace web --service-account app --cluster-name <name> --role-arn <role>",
  ]);
  told.mockRestore();
});
