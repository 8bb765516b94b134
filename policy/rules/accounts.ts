import { some } from "../logic";
import { rule } from "../rule";
import { refersTo, sameNamespace } from "../views/kubernetes";
import { pod, POD_OWNERS, podsOf } from "../views/pods";
import { accountField, accounts, BINDINGS, isAccountOf, isBound } from "../views/accounts";

const applies = POD_OWNERS;

export const accountRules = [
  rule({
    id: "pod-own-service-account",
    title: "A pod runs under a service account of its own.",
    severity: "high",
    applies,
    why: "Rights that one workload is given through the default account belong to all pods of the namespace.",
    references: ["CIS EKS 4.1.5", "CKV_K8S_41", "KubeLinter default-service-account"],
    fix: "Declare a ServiceAccount and name it in the pod's serviceAccountName.",
    *check(resource) {
      yield* accountField(pod(resource)).must(
        (name) => name !== undefined && name !== "default",
        "must be set, and not default",
      );
    },
  }),
  rule({
    id: "pod-service-account-exists",
    title: "The service account of a pod is one of the stack.",
    severity: "high",
    applies,
    why: "Without its account no pod is created, and the rollout waits until it fails.",
    references: ["KubeLinter non-existent-service-account"],
    fix: "Declare the ServiceAccount in the same namespace.",
    *checkStack(stack) {
      for (const here of podsOf(stack)) {
        const name = accountField(here);
        if (name.isAbsent || name.value === "default") continue;
        const near = accounts(stack).filter((one) => sameNamespace(one, here.owner) !== false);
        if (refersTo(here.owner, name, near) !== false) continue;
        yield name.finding("must be a ServiceAccount of this stack in the same namespace");
      }
    },
  }),
  rule({
    id: "pod-no-token-mount",
    title: "A pod gets a token of the API only where its account is given rights.",
    severity: "medium",
    applies,
    why: "A token that nobody needs is what a break-in looks for first.",
    references: ["CIS EKS 4.1.6", "NSA/CISA 1.11", "CKV_K8S_38"],
    fix: "Set automountServiceAccountToken to false for the pod or its account, or bind the account to a role.",
    *checkStack(stack) {
      for (const here of podsOf(stack)) {
        const own = here.spec.at("automountServiceAccountToken");
        if (own.isUnknown || own.value === false) continue;
        const mine = accounts(stack).filter((one) => isAccountOf(one, here) !== false);
        const fine = some(mine, (account) => {
          const token = account.at("automountServiceAccountToken");
          if (token.isUnknown) return undefined;
          return (own.isAbsent && token.value === false) || isBound(stack, account);
        });
        if (fine === false) yield own.finding("must be false");
      }
    },
  }),
  rule({
    id: "role-binding-complete",
    title: "A binding names a role and accounts that exist.",
    severity: "medium",
    applies: BINDINGS,
    why: "A dangling binding gives nothing now, and its rights to whoever takes the name later.",
    references: ["CIS EKS 4.1.1", "Kubernetes documentation: RBAC good practices"],
    fix: "Name a ServiceAccount of this stack in subjects[], and a role of this stack or of Kubernetes itself in roleRef.",
    *checkStack(stack) {
      for (const binding of stack.of(...BINDINGS)) {
        for (const subject of binding.at("subjects").items()) {
          if (subject.at("kind").value !== "ServiceAccount") continue;
          const name = subject.at("name");
          if (name.value === "default") continue;
          if (refersTo(binding, name, accounts(stack)) !== false) continue;
          yield name.finding("must be a ServiceAccount of this stack");
        }
        const [kind, role] = [binding.at("roleRef", "kind").text, binding.at("roleRef", "name")];
        if (kind === undefined) continue;
        const roles = stack.of(`rbac.authorization.k8s.io/${kind}`);
        if (role.text !== undefined && BUILT_IN.test(role.text)) continue;
        if (refersTo(binding, role, roles) !== false) continue;
        yield role.finding("must be a role of this stack or of Kubernetes itself");
      }
    },
  }),
] as const;

const BUILT_IN = /^(?:system:.*|cluster-admin|admin|edit|view)$/;
