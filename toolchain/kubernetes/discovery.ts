import { PluginError } from "../plugin/errors";
import type { Client, Patience } from "./client";
import { isNotFound } from "./errors";
import { groupOf, listAt, textAt, type Json, type ObjectRef } from "./objects";

export interface ResourceKind {
  /** Plural name in the URL, such as `deployments`. */
  readonly resource: string;
  readonly namespaced: boolean;
}

/** The API server does not serve this kind, or not yet: its CRD may come in the same run. */
export class UnknownKindError extends PluginError {
  constructor(apiVersion: string, kind: string) {
    super(
      `the cluster does not know the kind ${kind} in ${apiVersion}. ` +
        "Check the apiVersion, or create its CustomResourceDefinition first (dependsOn).",
    );
    this.name = "UnknownKindError";
  }
}

/** Which kinds the API server has and how their URLs read. One request a group version, cached. */
export class Discovery {
  private readonly groupVersions = new Map<string, Promise<Map<string, ResourceKind>>>();

  constructor(private readonly client: Client) {}

  /**
   * The resource of a kind. A kind that is not in the cache is looked up afresh, so that a CRD
   * created a moment ago is found.
   *
   * @throws UnknownKindError
   */
  async find(apiVersion: string, kind: string, patience: Patience): Promise<ResourceKind> {
    const cached = this.groupVersions.get(apiVersion);
    const known = (await cached?.catch(() => undefined))?.get(kind);
    if (known !== undefined) {
      return known;
    }
    const found = (await this.load(apiVersion, patience)).get(kind);
    if (found === undefined) {
      throw new UnknownKindError(apiVersion, kind);
    }
    return found;
  }

  /** Drops what is known about a group version that has turned out not to be served any more. */
  forget(apiVersion: string): void {
    this.groupVersions.delete(apiVersion);
  }

  private load(apiVersion: string, patience: Patience): Promise<Map<string, ResourceKind>> {
    const loading = this.fetch(apiVersion, patience);
    this.groupVersions.set(apiVersion, loading);
    loading.catch(() => {
      if (this.groupVersions.get(apiVersion) === loading) {
        this.groupVersions.delete(apiVersion);
      }
    });
    return loading;
  }

  private async fetch(apiVersion: string, patience: Patience): Promise<Map<string, ResourceKind>> {
    try {
      const list = await this.client.request({ method: "GET", path: root(apiVersion) }, patience);
      return new Map(listAt(list, "resources").flatMap((entry) => kindEntry(entry)));
    } catch (error) {
      if (isNotFound(error)) {
        return new Map();
      }
      throw error;
    }
  }
}

/** URL of the collection that holds objects of a kind. */
export function collectionPath(
  apiVersion: string,
  { resource, namespaced }: ResourceKind,
  namespace: string,
): string {
  const scope =
    namespaced && namespace !== "" ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root(apiVersion)}${scope}/${resource}`;
}

export function objectPath(ref: ObjectRef, kind: ResourceKind): string {
  return `${collectionPath(ref.apiVersion, kind, ref.namespace)}/${encodeURIComponent(ref.name)}`;
}

function root(apiVersion: string): string {
  return groupOf(apiVersion) === "" ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
}

function kindEntry(entry: Json): [string, ResourceKind][] {
  const resource = textAt(entry, "name");
  // Subresources such as pods/log share the list.
  if (resource.includes("/")) {
    return [];
  }
  const namespaced =
    typeof entry === "object" &&
    entry !== null &&
    "namespaced" in entry &&
    entry.namespaced === true;
  return [[textAt(entry, "kind"), { resource, namespaced }]];
}
