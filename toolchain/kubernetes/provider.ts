import { version } from "@pulumi/kubernetes/package.json";

import { PluginError } from "../plugin/errors";
import type * as plugin from "../plugin/provider";
import { containsUnknown, UNKNOWN, unwrapSecrets, type PropertyMap } from "../plugin/values";
import { UnknownKindError } from "./discovery";
import { UnreachableError } from "./errors";
import { checkInputs } from "./inputs";
import { clusterIdentity } from "./kubeconfig";
import { createResource, deleteResource, readResource, updateResource } from "./lifecycle";
import { previewCreate, previewUpdate, tryUpdate } from "./preview";
import { checkAwait } from "./readiness";
import { replaceUnready } from "./replace-unready";
import { diffResource } from "./resource-diff";
import { Scopes } from "./scope";
import { Session } from "./session";
import { readSettings, refusals } from "./settings";
import { toManifest } from "./state";
import { objectKindOf, refusalOf } from "./types";
import { decodeYaml } from "./yaml";

/** Serves the package `kubernetes`: one resource is one object of the Kubernetes API. */
export class KubernetesProvider implements plugin.ProviderPlugin {
  readonly name = "kubernetes";
  /** That of the package whose contract is served: the engine asks for it by this version. */
  readonly version = version;

  private session = new Session();
  private readonly scopes = new Scopes();

  /** Asked for by whatever writes program text: `pulumi import`, `package get-schema`, `convert`. */
  getSchema(): Promise<string> {
    throw new PluginError(
      "the schema of the Kubernetes package lies in the official provider plugin, which could not " +
        "be downloaded on this machine. Without it nothing can write program text; objects are " +
        'imported all the same by "pulumi import --generate-code=false", or by the resource ' +
        'option "import".',
    );
  }

  checkConfig(request: plugin.CheckRequest): Promise<plugin.CheckResult> {
    return Promise.resolve({ inputs: request.news, failures: refusals(request.news, request.urn) });
  }

  /** Other settings may change in place; another cluster means other objects. */
  async diffConfig(request: plugin.DiffRequest): Promise<plugin.DiffResult> {
    const before = unwrapSecrets(request.oldInputs);
    const after = unwrapSecrets(request.news);
    const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => key !== "__internal" && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
    );
    const replaces = await this.otherCluster(before, after);
    const detailedDiff = Object.fromEntries(
      changed.map((key): [string, plugin.PropertyDiff] => {
        const kind = !(key in before) ? "add" : !(key in after) ? "delete" : "update";
        return [key, { kind: replaces.includes(key) ? `${kind}-replace` : kind, inputDiff: true }];
      }),
    );
    return { changes: changed.length > 0 ? "some" : "none", detailedDiff };
  }

  async configure(request: plugin.ConfigureRequest): Promise<void> {
    const [refusal] = refusals(request.args);
    if (refusal !== undefined) {
      throw new PluginError(`provider setting "${refusal.property}": ${refusal.reason}`);
    }
    const before = this.session;
    this.session = new Session(readSettings(request.args));
    await before.close();
  }

  async check(request: plugin.CheckRequest, context: plugin.Context): Promise<plugin.CheckResult> {
    const refusal = refusalOf(request.type);
    if (refusal !== undefined) {
      throw new PluginError(refusal);
    }
    const { apiVersion, kind } = { ...objectKindOf(request.type), ...declaredKind(request.news) };
    const result = checkInputs(request, {
      defaultNamespace: await this.defaultNamespace(),
      namespaced: await this.isNamespaced(apiVersion, kind, context),
    });
    const declared = toManifest(result.inputs);
    if (!containsUnknown(result.inputs)) {
      this.scopes.learn(declared);
    }
    const failures = checkAwait(declared, (text) => context.log.warn(text, request.urn));
    return { ...result, failures: [...result.failures, ...failures] };
  }

  async diff(request: plugin.DiffRequest, context: plugin.Context): Promise<plugin.DiffResult> {
    const { session } = this;
    const result = await diffResource(request, session.settings, (object, fieldManager) =>
      tryUpdate(session, request.urn, object, fieldManager, context),
    );
    return replaceUnready(session, request, result, context);
  }

  create(request: plugin.CreateRequest, context: plugin.Context): Promise<plugin.CreateResult> {
    const create = request.preview ? previewCreate : createResource;
    return create(this.session, request, context);
  }

  read(
    request: plugin.ReadRequest,
    context: plugin.Context,
  ): Promise<plugin.ReadResult | undefined> {
    return readResource(this.session, request, context);
  }

  update(request: plugin.UpdateRequest, context: plugin.Context): Promise<plugin.UpdateResult> {
    const update = request.preview ? previewUpdate : updateResource;
    return update(this.session, request, context);
  }

  delete(request: plugin.DeleteRequest, context: plugin.Context): Promise<void> {
    return deleteResource(this.session, request, context);
  }

  async invoke(request: plugin.InvokeRequest): Promise<plugin.InvokeResult> {
    if (request.token === "kubernetes:yaml:decode") {
      return { result: { result: await decodeYaml(request.args) } };
    }
    throw new PluginError(
      refusalOf(request.token) ?? `the Kubernetes provider has no function ${request.token}`,
    );
  }

  /** Closes connections; only a program that embeds the provider needs it. */
  close(): Promise<void> {
    return this.session.close();
  }

  private async defaultNamespace(): Promise<string> {
    const { namespace } = this.session.settings;
    return namespace ?? (await this.session.cluster()).defaultNamespace;
  }

  private async isNamespaced(
    apiVersion: string,
    kind: string,
    context: plugin.Context,
  ): Promise<boolean | undefined> {
    const known = this.scopes.isNamespaced(apiVersion, kind);
    if (known !== undefined) {
      return known;
    }
    try {
      const { discovery } = await this.session.cluster();
      const patience = { signal: context.signal, retryUntil: Date.now() };
      return (await discovery.find(apiVersion, kind, patience)).namespaced;
    } catch (error) {
      if (error instanceof UnknownKindError || error instanceof UnreachableError) {
        return undefined;
      }
      throw error;
    }
  }

  /** The settings that point at another cluster than before; empty where that cannot be told. */
  private async otherCluster(before: PropertyMap, after: PropertyMap): Promise<string[]> {
    // Not known yet means made anew: the identity of a cluster that stays is known.
    if (typeof before.clusterIdentifier === "string" && after.clusterIdentifier === UNKNOWN) {
      return ["clusterIdentifier"];
    }
    const keys = ["clusterIdentifier", "kubeconfig", "context", "cluster"];
    if (keys.some((key) => after[key] === UNKNOWN || before[key] === UNKNOWN)) {
      return [];
    }
    const [old, now] = [readSettings(before), readSettings(after)];
    if (old.clusterIdentifier !== undefined && now.clusterIdentifier !== undefined) {
      return old.clusterIdentifier === now.clusterIdentifier ? [] : ["clusterIdentifier"];
    }
    const [from, to] = await Promise.all([clusterIdentity(old), clusterIdentity(now)]);
    const same = from?.server === to?.server && from?.certificate === to?.certificate;
    return from === undefined || to === undefined || same ? [] : keys.slice(1);
  }
}

function declaredKind({ apiVersion, kind }: PropertyMap): { apiVersion?: string; kind?: string } {
  return {
    ...(typeof apiVersion === "string" ? { apiVersion } : {}),
    ...(typeof kind === "string" ? { kind } : {}),
  };
}
