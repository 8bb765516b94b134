import type { Field } from "../field";
import { every, same, some, type Truth } from "../logic";
import type { Resource, Stack } from "../resource";
import { nameOf, namespaceOf, sameNamespace } from "./kubernetes";
import type { Pod } from "./pods";

export const BINDINGS = [
  "rbac.authorization.k8s.io/RoleBinding",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
];

/** The pod's account by name; `default` where none is said. */
export function accountField({ spec }: Pod): Field {
  const old = spec.at("serviceAccount");
  const field = spec.at("serviceAccountName");
  return field.isAbsent && !old.isAbsent ? old : field;
}

export function accounts(stack: Stack): readonly Resource[] {
  return stack.of("core/ServiceAccount");
}

/** Whether an account is that of a pod. */
export function isAccountOf(account: Resource, pod: Pod): Truth {
  const field = accountField(pod);
  const name = field.isAbsent ? "default" : field.text;
  return every(
    [() => same(name, nameOf(account)), () => sameNamespace(account, pod.owner)],
    (test) => test(),
  );
}

/** Whether a binding of the stack gives an account rights at the API. */
export function isBound(stack: Stack, account: Resource): Truth {
  return some(stack.of(...BINDINGS), (binding) =>
    some(binding.at("subjects").items(), (subject) => isSubject(binding, subject, account)),
  );
}

function isSubject(binding: Resource, subject: Field, account: Resource): Truth {
  if (subject.at("kind").value !== "ServiceAccount") return false;
  const namespace = subject.at("namespace");
  const where = namespace.isAbsent ? namespaceOf(binding) : namespace.text;
  if (same(where, namespaceOf(account)) === false) return false;
  const name = subject.at("name");
  // A name that comes from the account is the account's.
  if (name.isPending && binding.facts.dependencies.includes(account.urn)) return true;
  return same(name.text, nameOf(account));
}
