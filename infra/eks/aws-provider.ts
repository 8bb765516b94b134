import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

import { type EksConfig, placeOf } from "./place";

/** Whoever runs Pulumi acts as the deploying role, in its account and in no other. */
export function awsProvider(
  name: string,
  config: EksConfig,
  parent: pulumi.Resource,
): aws.Provider {
  const { region, accountId, tags } = placeOf(config);
  return new aws.Provider(
    name,
    {
      // The SDK's type lists the regions of its day.
      region: region as aws.Region,
      allowedAccountIds: [accountId],
      assumeRoles: [{ roleArn: config.deployerRoleArn, sessionName: "drydock" }],
      defaultTags: { tags: { ...tags } },
    },
    { parent },
  );
}
