import { type PropertyMap, unwrapSecrets } from "../toolchain/plugin/values";
import { autoName } from "./recording/models/kubernetes";
import type { RecordedResource } from "./recording/recorded";
import { SECRET, type Show, type Shown } from "./secrets";
import { yamlText } from "./yaml";

type Plain = Readonly<Record<string, Shown>>;

/** Whether a resource is an object of the Kubernetes API; a chart's release is none. */
export function isManifest({ type }: RecordedResource): boolean {
  return type.startsWith("kubernetes:") && !type.startsWith("kubernetes:helm.sh/");
}

/**
 * A Kubernetes object as `kubectl apply` takes it. One that Pulumi names gets a name that begins as the
 * real one will, with x in the place of what is drawn, so that references to it can be followed.
 */
export function manifestText({ name, inputs }: RecordedResource, show: Show): string {
  const { apiVersion, kind, metadata, ...rest } = show(inputs) as Plain;
  const object = {
    apiVersion,
    kind,
    metadata: { name: autoName(name), ...(metadata as Plain) },
    ...rest,
    ...(kind === "Secret" && { data: undefined, ...masked(inputs) }),
  };
  return yamlText(object);
}

/** The API takes base64 only in a Secret's `data`, and the mask is none. */
function masked({ data = {}, stringData = {} }: PropertyMap): Plain {
  const keys = [data, stringData].map(unwrapSecrets).flatMap((map) => Object.keys(map ?? {}));
  return { stringData: Object.fromEntries(keys.sort().map((key) => [key, SECRET])) };
}
