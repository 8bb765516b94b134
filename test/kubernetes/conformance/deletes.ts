import type { Promised } from "./promised";

export const promises: readonly Promised[] = [
  {
    id: "delete-waits",
    promise: "A delete waits until the object is gone.",
    source: "registry: kubernetes, Installation & Configuration",
    status: "yes",
    test: "the real CLI with this provider > destroys everything it made",
  },
  {
    id: "delete-gone",
    promise: "An object, or its kind, that is gone already counts as deleted.",
    source: "registry: kubernetes.apiextensions",
    status: "yes",
    test: "changes on a real API server > creates a kind and its first object in one run",
  },
  {
    id: "delete-unreachable",
    promise: "deleteUnreachable removes the objects of a lost cluster from state.",
    source: "registry: kubernetes.Provider",
    status: "yes",
    test: "the API server goes away > with deleteUnreachable: a refresh forgets the objects, the cluster keeps them",
  },
  {
    id: "delete-unreachable-hint",
    promise: "Without it the error names PULUMI_K8S_DELETE_UNREACHABLE.",
    source: "registry: kubernetes.Provider",
    status: "yes",
    test: "a cluster that cannot be reached > is previewed without, which is said once, and fails an update in plain words",
  },
  {
    id: "skip-update-unreachable",
    promise: "skipUpdateUnreachable leaves the objects of a cluster that is away as they are.",
    source: "registry: kubernetes.Provider",
    status: "yes",
    test: "the API server goes away > with skipUpdateUnreachable: a refresh leaves state as it is",
  },
];
