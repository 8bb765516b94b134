import { octet, text } from "../fields";

export const cidr = () =>
  text(
    new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}/(?:3[0-2]|[12]?\\d)$`),
    'a range of IPv4 addresses ("10.0.0.0/16")',
  );

export const region = () =>
  text(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region of AWS ("eu-central-1"), as `aws:region`');

/** Role names have at most 64 characters; a path before them counts apart. */
export const roleArn = () =>
  text(
    /^arn:aws(?:-cn|-us-gov)?:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/,
    "the ARN of an IAM role, its name of at most 64 characters (arn:aws:iam::111122223333:role/name)",
  );

export const instanceType = () =>
  text(
    /^(?!mac)[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|metal[a-z0-9-]*|\d*xlarge)$/,
    'a type of EC2 instance ("m7i.large")',
  );

export const tagKey = () =>
  text(
    /^(?!aws:)[\w .:/=+@-]{1,128}$/,
    "a key of at most 128 letters, digits, spaces or _.:/=+-@, not beginning with aws:",
  );

export const tagValue = () =>
  text(/^[\w .:/=+@-]{0,256}$/, "a text of at most 256 letters, digits, spaces or _.:/=+-@");

/** Most characters in the keys that become part of a name in AWS, where a node group's name ends at 63. */
export const NAME_PART = 40;
