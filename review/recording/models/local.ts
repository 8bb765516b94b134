import { Secret } from "../../../toolchain/plugin/values";
import type { ResourceModel } from "../recorder";

/** What the provider of infra/local adds to its resources. */
export const localModel: Readonly<Record<string, ResourceModel>> = {
  "drydock:local:Cluster": () => ({
    computed: {
      uid: "00000000-0000-4000-8000-000000000000",
      version: "1.36.3",
      server: "https://10.0.0.2:6443",
      kubeconfig: new Secret("apiVersion: v1\nkind: Config\n"),
      servesTraffic: true,
      nodeNames: ["drydock-dev"],
      reasons: [],
      coreDnsImage: `drydock/coredns@sha256:${"1".repeat(64)}`,
      status: "running",
    },
  }),
  "drydock:local:Image": ({ inputs }) => ({
    computed: {
      reference: `${nameIn(inputs.recipe)}@sha256:${"0".repeat(64)}`,
      base: "registry",
    },
  }),
};

function nameIn(recipe: unknown): string {
  return (JSON.parse(String(recipe)) as { name: string }).name;
}
