import type { ApiRequest, Client, Patience } from "./client";
import {
  collectionPath,
  objectPath,
  UnknownKindError,
  type Discovery,
  type ResourceKind,
} from "./discovery";
import { isNotFound } from "./errors";
import { refOf, textAt, type Json, type KubernetesObject, type ObjectRef } from "./objects";

export type Propagation = "Foreground" | "Background" | "Orphan";

export interface WriteOptions {
  readonly fieldManager: string;
  /** Let the server go through with everything but the writing. Default false. */
  readonly dryRun?: boolean;
}

const STRICT = { fieldValidation: "Strict" } as const;

/** Reading and writing single objects of any kind. */
export class ObjectApi {
  constructor(
    readonly client: Client,
    readonly discovery: Discovery,
  ) {}

  async get(ref: ObjectRef, patience: Patience): Promise<KubernetesObject> {
    return this.object({ method: "GET", path: await this.path(ref, patience) }, ref, patience);
  }

  /** Creates an object; a name that is taken is an ApiError `AlreadyExists`. */
  async create(
    object: KubernetesObject,
    kind: ResourceKind,
    options: WriteOptions,
    patience: Patience,
  ): Promise<KubernetesObject> {
    const { apiVersion, namespace } = refOf(object);
    return this.object(
      {
        method: "POST",
        path: collectionPath(apiVersion, kind, namespace),
        query: { ...writeQuery(options), ...STRICT },
        body: object,
      },
      refOf(object),
      patience,
    );
  }

  /** Server-side apply. Without `force`, a field of another manager is an ApiError `Conflict`. */
  async apply(
    object: KubernetesObject,
    options: WriteOptions & { readonly force: boolean },
    patience: Patience,
  ): Promise<KubernetesObject> {
    return this.object(
      {
        method: "PATCH",
        path: await this.path(refOf(object), patience),
        query: { ...writeQuery(options), ...STRICT, force: String(options.force) },
        body: object,
        // YAML is the media type's name; JSON is YAML.
        contentType: "application/apply-patch+yaml",
      },
      refOf(object),
      patience,
    );
  }

  /** Replaces the managed fields, provided that nobody has written the object since `live`. */
  async setManagedFields(
    live: KubernetesObject,
    managedFields: Json[],
    patience: Patience,
  ): Promise<KubernetesObject> {
    const body: Json = [
      { op: "replace", path: "/metadata/managedFields", value: managedFields },
      {
        op: "replace",
        path: "/metadata/resourceVersion",
        value: textAt(live, "metadata", "resourceVersion"),
      },
    ];
    return this.object(
      {
        method: "PATCH",
        path: await this.path(refOf(live), patience),
        body,
        contentType: "application/json-patch+json",
      },
      refOf(live),
      patience,
    );
  }

  async delete(ref: ObjectRef, propagation: Propagation, patience: Patience): Promise<void> {
    await this.object(
      {
        method: "DELETE",
        path: await this.path(ref, patience),
        body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: propagation },
      },
      ref,
      patience,
    );
  }

  private async path(ref: ObjectRef, patience: Patience): Promise<string> {
    return objectPath(ref, await this.discovery.find(ref.apiVersion, ref.kind, patience));
  }

  private async object(
    request: ApiRequest,
    { apiVersion, kind }: ObjectRef,
    patience: Patience,
  ): Promise<KubernetesObject> {
    try {
      return (await this.client.request(request, patience)) as KubernetesObject;
    } catch (error) {
      // A plain "page not found" speaks of the URL: the kind has gone since it was looked up.
      if (isNotFound(error) && error.reason === "") {
        this.discovery.forget(apiVersion);
        throw new UnknownKindError(apiVersion, kind);
      }
      throw error;
    }
  }
}

function writeQuery({ fieldManager, dryRun }: WriteOptions): Record<string, string | undefined> {
  return { fieldManager, dryRun: dryRun === true ? "All" : undefined };
}
