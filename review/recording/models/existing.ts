import type { Detection } from "../../../infra/existing/detection";
import { type PropertyMap, Secret } from "../../../toolchain/plugin/values";
import { textOf } from "../recorded";
import type { ResourceModel } from "../recorder";

/** What the plugin answers of a cluster that somebody else made: here one of kind with MetalLB. */
export const detection: Detection = {
  context: "kind-dev",
  server: "https://127.0.0.1:6443",
  uid: "6f1b3c52-7d0a-4c8e-9a55-0d3f6b1c2e4d",
  version: "1.36.1",
  kubeconfig: "apiVersion: v1\nkind: Config\n",
  capabilities: {
    loadBalancer: { annotations: {} },
    ingress: undefined,
    storageClass: "standard",
    networkPolicy: true,
    podIdentity: undefined,
    externalSecrets: false,
    zones: [],
  },
  servesTraffic: true,
  architectures: ["amd64", "arm64"],
  summary: "Uses the cluster of context kind-dev.",
};

/** The plugin's answer to the detection. */
export function detected(found: Detection = detection): PropertyMap {
  const plain = JSON.parse(JSON.stringify(found)) as PropertyMap;
  return { ...plain, kubeconfig: new Secret(found.kubeconfig) };
}

export const existingModel: Readonly<Record<string, ResourceModel>> = {
  "drydock:existing:Cluster": () => ({}),
  "drydock:images:Published": ({ inputs }) => {
    const { name } = JSON.parse(textOf(inputs.recipe)) as { name: string };
    const reference = `${textOf(inputs.registry)}/${name}@sha256:${"0".repeat(64)}`;
    return { computed: { reference, base: "registry" } };
  },
};
