import type { Promised } from "./promised";

export const promises: readonly Promised[] = [
  {
    id: "secret-data",
    promise: "All data of a Secret is secret in inputs, outputs and __inputs.",
    source: "registry: kubernetes.core/v1.Secret",
    status: "yes",
    test: "objects on a real API server > a Secret > keeps all of its data secret everywhere",
  },
  {
    id: "secret-string-data",
    promise: "stringData becomes secret data.",
    source: "registry: kubernetes.core/v1.Secret",
    status: "yes",
    note: "In the inputs already.",
    test: "inputs > turn a Secret's stringData into secret data",
  },
  {
    id: "secret-inputs",
    promise: "What is secret in the inputs of any kind is secret in its outputs.",
    source: "CHANGELOG of pulumi-kubernetes",
    status: "yes",
    note: "Also where the server copies the value elsewhere.",
    test: "secrets in outputs > are found again where an item has moved or a text was copied",
  },
  {
    id: "secret-output",
    promise: "No secret shows in previews, output, events or state.",
    source: "CHANGELOG of pulumi-kubernetes",
    status: "yes",
    test: "secrets through the real CLI > stand in no preview, output, log, event or state, whatever the kind",
  },
  {
    id: "secret-errors",
    promise: "A refusal of the server quotes no secret.",
    source: "CHANGELOG of pulumi-kubernetes",
    status: "yes",
    test: "secrets through the real CLI > stand in no refusal of the server, which quotes what it refuses",
  },
  {
    id: "secret-last-applied",
    promise: "kubectl's copy of a Secret is secret too.",
    source: "registry: kubernetes.core/v1.Secret",
    status: "yes",
    test: "secrets in outputs > cover all data of a Secret and kubectl's copy of it",
  },
  {
    id: "secret-kubeconfig",
    promise: "The kubeconfig of a provider stays secret.",
    source: "registry: kubernetes.Provider",
    status: "yes",
    test: "the real CLI with this provider > creates, waits, and keeps secrets out of state and output",
  },
  {
    id: "secret-refresh",
    promise: "Secrets stay secret after a refresh.",
    source: "CHANGELOG of pulumi-kubernetes",
    status: "yes",
    test: "inputs after a refresh > stay secret",
  },
];
