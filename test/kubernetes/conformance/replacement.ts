import type { Promised } from "./promised";

export const promises: readonly Promised[] = [
  {
    id: "replace-identity",
    promise: "Another name or namespace replaces the object.",
    source: "source: force-new properties by kind",
    status: "yes",
    test: "resource options through the real CLI > another name or namespace in metadata is a replacement",
  },
  {
    id: "replace-immutable",
    promise:
      "Fields that cannot change replace the object: selectors, clusterIP, templates of Jobs, claims, roleRef, parameters.",
    source: "source: force-new properties by kind",
    status: "yes",
    note: "A table, and for all other kinds the refusal of a dry run.",
    test: "a change of a field that cannot be changed > replaces a %s, the old one first",
  },
  {
    id: "replace-only-where-needed",
    promise:
      "A Pod's image, a Job's parallelism and a StatefulSet's revisionHistoryLimit replace the object.",
    source: "source: force-new properties by kind",
    status: "differs",
    note: "Changed in place, as the server permits.",
    test: "a change of a field that cannot be changed > leaves a %s where the server can change it",
  },
  {
    id: "replace-custom",
    promise: "Custom resources are replaced for their identity only.",
    source: "source: force-new properties by kind",
    status: "differs",
    note: "Also where the server says that a field is immutable.",
    test: "the difference of a resource > replaces what the server refuses to change, the old object first",
  },
  {
    id: "replace-configmap",
    promise: "A change of a ConfigMap's data replaces it.",
    source: "registry: kubernetes.core/v1.ConfigMap",
    status: "yes",
    test: "objects on a real API server > a ConfigMap > is replaced when its data changes, the old one first where the name is fixed",
  },
  {
    id: "replace-configmap-mutable",
    promise: "enableConfigMapMutable changes it in place.",
    source: "registry: kubernetes.Provider",
    status: "yes",
    test: "objects on a real API server > a ConfigMap > changes in place with enableConfigMapMutable",
  },
  {
    id: "replace-configmap-immutable",
    promise: "A ConfigMap with immutable: true is replaced all the same.",
    source: "registry: kubernetes.core/v1.ConfigMap",
    status: "yes",
    test: "a change of a field that cannot be changed > replaces a ConfigMap that says it is immutable, also where ConfigMaps are mutable",
  },
  {
    id: "replace-secret",
    promise: "A change of a Secret's data or type replaces it, unless enableSecretMutable is set.",
    source: "registry: kubernetes.core/v1.Secret",
    status: "yes",
    test: "replacing fields > include the data of ConfigMaps and Secrets unless set otherwise",
  },
  {
    id: "replace-order-named",
    promise: "Named objects are deleted before they are replaced.",
    source: "docs: Resource names, autonaming",
    status: "yes",
    test: "resource options through the real CLI > deleteBeforeReplace: automatic names allow both orders, fixed names only one",
  },
  {
    id: "replace-order-autonamed",
    promise: "Objects with automatic names are created before they are deleted.",
    source: "docs: Resource names, autonaming",
    status: "yes",
    test: "resource options through the real CLI > deleteBeforeReplace: automatic names allow both orders, fixed names only one",
  },
  {
    id: "replace-renamed",
    promise: "Where the name changes both objects may exist at once.",
    source: "docs: Resource names, autonaming",
    status: "yes",
    test: "the difference of a resource > may keep both objects when the name changes",
  },
];
