/** An entry of AWS Secrets Manager, with the six characters that AWS ends its name with. */
export type SecretArn = `arn:${string}:secretsmanager:${string}:${string}:secret:${string}`;

/** A key of AWS KMS. */
export type KeyArn = `arn:${string}:kms:${string}:${string}:key/${string}`;

/** The region that an ARN names, "" where it names none. */
export function regionOf(arn: string): string {
  return arn.split(":")[3] ?? "";
}

/** `aws`, `aws-cn` or `aws-us-gov`. */
export function partitionOf(arn: string): string {
  return arn.split(":")[1] ?? "";
}
