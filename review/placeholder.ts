import type { RecordedResource } from "./recording/recorded";
import type { StandIn } from "./recording/recorder";

/** `LaunchTemplate` of `aws:ec2/launchTemplate:LaunchTemplate`. */
export function kindOf(type: string): string {
  return type.slice(type.lastIndexOf(":") + 1);
}

/** What a reference to a resource reads as, and begins with where it is one to an output. */
export function reference({ type, name }: Pick<RecordedResource, "type" | "name">): string {
  return `${kindOf(type)} ${name}`;
}

/**
 * Shows what only a provider can tell by where it comes from: `<Key cluster-data-key.arn>`. Of an image
 * just the digest is not known, so that zeros stand for it.
 */
export const placeholder: StandIn = (resource, path, made) =>
  typeof made === "string" && made.includes("@sha256:")
    ? made.replace(/@sha256:[0-9a-f]{64}/g, `@sha256:${"0".repeat(64)}`)
    : `<${reference(resource)}.${path}>`;
