import { type Field, type Finding, isMap } from "../field";
import { rule } from "../rule";
import { refersTo, sameNamespace } from "../views/kubernetes";
import {
  containers,
  externalSecretClasses,
  type Pod,
  pod,
  POD_OWNERS,
  podsOf,
  SECRET_PROVIDER_CLASS,
} from "../views/pods";
import { holdsCredential, isSecretName } from "../views/secrets";

const applies = POD_OWNERS;

export const secrets = [
  rule({
    id: "env-no-secret-literal",
    title: "No secret stands in a container's environment or arguments.",
    severity: "critical",
    applies,
    why: "Whoever may read the pod reads it, and so do logs, dumps and every child process.",
    references: ["CIS EKS 4.4.1", "KubeLinter env-var-secret", "Polaris sensitiveContainerEnvVar"],
    fix: "Put it into a Secret and mount that as a file, or use env[].valueFrom.secretKeyRef.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        for (const one of container.at("env").items()) yield* literal(one);
        for (const key of ["command", "args"]) {
          for (const item of container.at(key).items()) {
            yield* item.must(isHarmless, "must not hold a credential");
          }
        }
      }
    },
  }),
  rule({
    id: "env-secrets-as-files",
    title: "Secrets reach a container as files.",
    severity: "low",
    applies,
    why: "Variables are inherited by child processes and end up in crash reports; they never change while a pod runs.",
    references: ["CIS EKS 4.4.1", "CKV_K8S_35", "KubeLinter read-secret-from-env-var"],
    fix: "Mount the Secret by volumes[].secret instead of env[].valueFrom.secretKeyRef and envFrom[].secretRef.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        for (const one of container.at("env").items()) {
          yield* absent(one.at("valueFrom", "secretKeyRef"));
        }
        for (const one of container.at("envFrom").items()) yield* absent(one.at("secretRef"));
      }
    },
  }),
  rule({
    id: "env-keys-unique",
    title: "No variable is set twice in a container.",
    severity: "medium",
    applies,
    why: "One of the two is ignored, and which one depends on the tool that applies the object.",
    references: ["KubeLinter duplicate-env-var", "kube-score environment-variable-key-duplication"],
    fix: "Remove one of the entries of env[] with the same name.",
    *check(resource) {
      for (const container of containers(pod(resource))) {
        const names = container
          .at("env")
          .items()
          .map((one) => one.at("name"));
        const texts = names.map(({ text }) => text);
        for (const [index, name] of names.entries()) {
          if (texts[index] === undefined || texts.indexOf(texts[index]) === index) continue;
          yield name.finding("must not be set a second time");
        }
      }
    },
  }),
  rule({
    id: "configmap-no-credentials",
    title: "No ConfigMap holds a credential.",
    severity: "high",
    applies: ["core/ConfigMap"],
    why: "ConfigMaps are neither encrypted nor restricted as Secrets are.",
    references: ["Polaris sensitiveConfigmapContent"],
    fix: "Move the entry of data to a Secret.",
    *check(resource) {
      for (const [key, field] of resource.at("data").entries()) {
        if (isSecretName(key)) yield field.finding("must not be in a ConfigMap");
        else yield* field.must(isHarmless, "must not hold a credential");
      }
    },
  }),
  rule({
    id: "config-references-exist",
    title:
      "Every ConfigMap, Secret, SecretProviderClass and claim that a pod needs is in the stack.",
    severity: "high",
    applies,
    why: "A pod waits for what is missing, and the rollout with it, until it fails.",
    references: ["Kubernetes documentation: ConfigMaps, Secrets"],
    fix: "Declare the object in the same namespace, or mark the reference as optional.",
    *checkStack(stack) {
      for (const here of podsOf(stack)) {
        for (const { kind, name, optional } of references(here)) {
          if (name.isAbsent || optional?.value === true) continue;
          const near = stack.of(kind).filter((one) => sameNamespace(one, here.owner) !== false);
          if (refersTo(here.owner, name, near) !== false) continue;
          yield name.finding(
            `must be a ${kind.split("/")[1] ?? kind} of this stack in the same namespace`,
          );
        }
      }
    },
  }),
] as const;

function* literal(variable: Field): Iterable<Finding> {
  const value = variable.at("value");
  const name = variable.at("name").text ?? "";
  if (value.isAbsent) return;
  if (isSecretName(name)) yield* value.must((text) => text === "", "must come from a Secret");
  else yield* value.must(isHarmless, "must not hold a credential");
}

function absent(field: Field): Finding[] {
  return field.must((value) => !isMap(value), "must be a file of a mounted Secret");
}

const isHarmless = (value: unknown): boolean =>
  typeof value !== "string" || !holdsCredential(value);

interface Reference {
  readonly kind: string;
  readonly name: Field;
  /** Absent: it is never optional. */
  readonly optional?: Field;
}

const CONFIG_MAP = "core/ConfigMap";
const SECRET = "core/Secret";

/** What a pod's volumes and environment need by name. */
function references(here: Pod): Reference[] {
  const of = (kind: string, source: Field, key = "name"): Reference => ({
    kind,
    name: source.at(key),
    optional: source.at("optional"),
  });
  const volumes = here.spec.at("volumes").items();
  const projected = volumes.flatMap((volume) => volume.at("projected", "sources").items());
  const claims = volumes.map((volume) => volume.at("persistentVolumeClaim"));
  const variables = containers(here).flatMap((one) => [
    ...one
      .at("env")
      .items()
      .map((variable) => variable.at("valueFrom")),
    ...one.at("envFrom").items(),
  ]);
  return [
    ...[...volumes, ...projected].map((source) => of(CONFIG_MAP, source.at("configMap"))),
    ...volumes.map((volume) => of(SECRET, volume.at("secret"), "secretName")),
    ...projected.map((source) => of(SECRET, source.at("secret"))),
    ...externalSecretClasses(here).map((name) => ({ kind: SECRET_PROVIDER_CLASS, name })),
    ...claims.map((claim) => of("core/PersistentVolumeClaim", claim, "claimName")),
    ...variables.flatMap((one) => [
      of(CONFIG_MAP, one.at("configMapKeyRef")),
      of(CONFIG_MAP, one.at("configMapRef")),
      of(SECRET, one.at("secretKeyRef")),
      of(SECRET, one.at("secretRef")),
    ]),
  ];
}
