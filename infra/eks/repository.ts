import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

import type { Place } from "./place";

export interface RepositoryArgs {
  readonly place: Place;
  readonly repositoryName: string;
  readonly keyArn: pulumi.Input<string>;
  readonly keepImages: number;
}

/** A repository in ECR whose tags stay what they are, and whose images are scanned as they come. */
export class Repository extends pulumi.ComponentResource {
  constructor(name: string, args: RepositoryArgs, opts: pulumi.ComponentResourceOptions) {
    super("drydock:infra:Repository", name, {}, opts);
    const { place, repositoryName, keyArn, keepImages } = args;
    const repository = new aws.ecr.Repository(
      name,
      {
        name: repositoryName,
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: keyArn }],
        forceDelete: !place.protect,
      },
      { parent: this, protect: place.protect },
    );
    new aws.ecr.LifecyclePolicy(
      `${name}-lifecycle`,
      { repository: repository.name, policy: JSON.stringify({ rules: [keepNewest(keepImages)] }) },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** Host of the account's registry, known before there is a repository. */
export function registryHost({ accountId, region, partition }: Place): string {
  return `${accountId}.dkr.ecr.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
}

function keepNewest(countNumber: number) {
  return {
    rulePriority: 1,
    description: `Keep the ${countNumber} newest images`,
    // An SBOM has no tag: it would count as an image. ECR removes it with the image that it refers to.
    selection: {
      tagStatus: "tagged",
      tagPatternList: ["*"],
      countType: "imageCountMoreThan",
      countNumber,
    },
    action: { type: "expire" },
  };
}
