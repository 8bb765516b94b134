import {
  type Context,
  type ProviderPlugin,
  PluginError,
  serveProvider,
} from "../../../toolchain/plugin/serve";
import { clusterResource } from "./cluster";
import { imageResource } from "./image";

const RESOURCES: Readonly<Record<string, Omit<ProviderPlugin, "name" | "version">>> = {
  "drydock:local:Cluster": clusterResource,
  "drydock:local:Image": imageResource,
};

function resource(type: string): Omit<ProviderPlugin, "name" | "version"> {
  const found = RESOURCES[type];
  if (found === undefined) {
    throw new PluginError(
      `the drydock plugin has no resource ${type}: it has ${Object.keys(RESOURCES).join(", ")}`,
    );
  }
  return found;
}

/** The plugin that Pulumi.yaml names: the local cluster and its images. */
const plugin: ProviderPlugin = {
  name: "drydock",
  version: "0.1.0",
  check: (request, context: Context) => resource(request.type).check(request, context),
  diff: (request, context) => resource(request.type).diff(request, context),
  create: (request, context) => resource(request.type).create(request, context),
  read: (request, context) => resource(request.type).read(request, context),
  update: (request, context) => resource(request.type).update(request, context),
  delete: (request, context) => resource(request.type).delete(request, context),
};

void serveProvider(plugin);
