import { z } from "zod";

import { region, roleArn } from "../config/eks/fields";
import { ConfigError } from "../config/errors";
import { explain } from "../config/explain";
import { text } from "../config/fields";

const stateSchema = z.strictObject({
  bucketName: text(
    /^(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    "a name of 3 to 63 lower-case letters, digits and hyphens",
  ).meta({
    description: "Name of the bucket, unique in all of AWS.",
    examples: ["drydock-state-111122223333"],
  }),
  deployerRoleArn: roleArn().meta({
    description:
      "Role that runs Pulumi on the stacks whose state is kept here; it names the account.",
    examples: ["arn:aws:iam::111122223333:role/drydock-deployer"],
  }),
  oldVersionDays: z.int().min(7).max(3650).default(90).meta({
    description:
      "Days that a state can still be taken back after it was replaced. State is small: some cents a month.",
  }),
  region: region().meta({ examples: ["eu-central-1"], suppliedBy: "aws:region" }),
});

export type StateConfig = z.output<typeof stateSchema>;

/**
 * @param raw `drydock-bootstrap:state`
 * @param awsRegion `aws:region`
 * @throws ConfigError that lists every problem
 */
export function parseState(raw: unknown, awsRegion: string | undefined): StateConfig {
  const given = { ...(typeof raw === "object" ? raw : {}), region: awsRegion };
  const parsed = stateSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const keyOf = (path: readonly PropertyKey[]) =>
    ["drydock-bootstrap:state", ...path.map(String)].join(".");
  throw new ConfigError(explain(stateSchema, parsed.error.issues, given, keyOf));
}
