import { z } from "zod";

import type { KeyArn, SecretArn } from "./arn";
import { type Cpu, cpuPattern, type Memory, memoryPattern } from "./quantity";

/** A text with a pattern, and the pattern in words: that is what a user reads. */
export function text(pattern: RegExp, rule: string) {
  return z.string({ error: rule }).regex(pattern, { error: rule });
}

/** A name for a Kubernetes object: RFC 1123 label; 63 is the limit of a label's value. */
export const dnsLabel = (maxLength = 63) =>
  text(
    new RegExp(`^[a-z](?:[a-z0-9-]{0,${maxLength - 2}}[a-z0-9])?$`),
    `a name of at most ${maxLength} lower-case letters, digits and hyphens, a letter first, no hyphen last`,
  );

export const cpu = () =>
  typed<Cpu>(text(cpuPattern, 'CPU in millicores ("250m") or cores ("2", "0.5")'));

export const memory = (what = "memory") =>
  typed<Memory>(text(memoryPattern, `${what} in Ki, Mi or Gi, without a space ("64Mi")`));

/** What a pattern proves of a text, in the type. */
function typed<T extends string>(schema: z.ZodString) {
  return schema as unknown as z.ZodType<T, T>;
}

export const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

export const loopbackAddress = () =>
  text(
    new RegExp(`^127\\.${octet}\\.${octet}\\.${octet}$`),
    "an IPv4 address within 127.0.0.0/8, so that nothing beyond this machine reaches it",
  );

/** A reference that stays the same image: `latest`, or no tag at all, would drift without a diff. */
export const imageReference = () =>
  text(
    /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9._/-]+(?::(?!latest(?:@|$))\w[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/,
    "an image with a tag other than latest, or with a digest (name:tag, name@sha256:…)",
  );

/** Where images are pushed: a host with an optional port, and a path below it. */
export const registry = () =>
  text(
    /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9.-]+(?=:))(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
    'a registry\'s host and an optional path, without scheme or tag ("localhost:5001", "ghcr.io/me")',
  );

/** A DNS name, with which a rule of an Ingress begins. */
export const hostName = () =>
  text(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'a DNS name in lower case, without scheme or port ("site.example.com")',
  );

export const urlPath = () =>
  text(/^\/(?:[\w.~-]+(?:\/[\w.~-]+)*)?$/, 'a path without a slash at its end ("/", "/files")');

export const uuid = () =>
  text(
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "a UID, as kubectl get namespace kube-system --output jsonpath={.metadata.uid} prints it",
  );

const accountArn = "arn:aws(?:-cn|-us-gov)?";

/** AWS ends every entry's name with six characters of its own; without them a policy matches none. */
export const secretArn = () =>
  typed<SecretArn>(
    text(
      new RegExp(
        `^${accountArn}:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[\\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$`,
      ),
      "the whole ARN of an entry in AWS Secrets Manager, with the six characters at its end " +
        "(arn:aws:secretsmanager:eu-central-1:111122223333:secret:name-AbCdEf)",
    ),
  );

export const keyArn = () =>
  typed<KeyArn>(
    text(
      new RegExp(`^${accountArn}:kms:[a-z0-9-]+:\\d{12}:key/[a-z0-9-]+$`),
      "the ARN of a key in AWS KMS (arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab)",
    ),
  );

export const nonEmpty = (rule: string) => text(/\S/, rule);
