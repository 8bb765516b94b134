import type { Field, Finding } from "../field";
import { noneOf } from "../logic";
import type { Resource } from "../resource";
import { rule } from "../rule";
import { BINDINGS } from "../views/accounts";

const ROLES = ["rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole"];

interface Right {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const WRITE = ["create", "update", "patch", "delete", "deletecollection"];

/** Rights that lead to all others. */
const ESCALATING: readonly Right[] = [
  { resources: ["pods"], verbs: ["create", "patch", "update"] },
  { resources: ["pods/exec", "pods/attach", "pods/portforward"], verbs: ["create", "get"] },
  { resources: ["pods/ephemeralcontainers"], verbs: ["patch", "update"] },
  { resources: ["serviceaccounts/token"], verbs: ["create"] },
  { resources: ["nodes/proxy"], verbs: ["get", "create"] },
  { resources: ["certificatesigningrequests/approval"], verbs: ["update", "patch"] },
  { resources: ["persistentvolumes"], verbs: ["create"] },
  {
    resources: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
    verbs: WRITE,
  },
];
const ALWAYS_ESCALATING = ["escalate", "bind", "impersonate"];

export const rbac = [
  rule({
    id: "role-no-wildcards",
    title: "A role names its resources and verbs one by one.",
    severity: "high",
    applies: ROLES,
    why: "A wildcard also holds for kinds that are installed later.",
    references: ["CIS EKS 4.1.3", "CKV_K8S_49", "KubeLinter wildcard-in-rules"],
    fix: "List rules[].apiGroups, rules[].resources and rules[].verbs without *.",
    *check(resource) {
      for (const one of resource.at("rules").items()) {
        for (const key of ["apiGroups", "resources", "verbs"]) {
          for (const item of one.at(key).items()) yield* item.mustNotBe("*");
        }
      }
    },
  }),
  rule({
    id: "role-no-secret-access",
    title: "A role reads no Secret but by name.",
    severity: "high",
    applies: ROLES,
    why: "list and watch give the contents of all Secrets, tokens of stronger accounts among them.",
    references: ["CIS EKS 4.1.2", "KubeLinter access-to-secrets", "CKV2_K8S_5"],
    fix: "Mount the Secret instead, or allow get with rules[].resourceNames.",
    *check(resource) {
      const verbs = ["get", "list", "watch"];
      for (const one of resource.at("rules").items()) {
        const onlyGet =
          one
            .at("verbs")
            .texts()
            ?.every((verb) => verb === "get") ?? false;
        if (onlyGet && !one.at("resourceNames").isAbsent) continue;
        yield* grants(one, { resources: ["secrets"], verbs });
      }
    },
  }),
  rule({
    id: "role-no-escalation",
    title: "No role holds a right that leads to all others.",
    severity: "critical",
    applies: ROLES,
    why: "Who starts pods, or signs, proxies and impersonates, gets the rights of every account.",
    references: [
      "CIS EKS 4.1.4",
      "CIS EKS 4.1.8",
      "CKV_K8S_155",
      "CKV_K8S_157",
      "Polaris RBAC checks",
    ],
    fix: "Take the resource or the verb out of rules[].",
    *check(resource) {
      for (const one of resource.at("rules").items()) {
        for (const verb of one.at("verbs").items()) {
          yield* verb.must(noneOf(ALWAYS_ESCALATING), "must not be granted");
        }
        for (const right of ESCALATING) yield* grants(one, right);
      }
    },
  }),
  rule({
    id: "binding-no-cluster-admin",
    title: "Nobody is bound to cluster-admin.",
    severity: "critical",
    applies: BINDINGS,
    why: "Its token is the cluster.",
    references: ["CIS EKS 4.1.1", "KubeLinter cluster-admin-role-binding"],
    fix: "Bind a role with the rights that are used, in roleRef.name.",
    *check(resource) {
      yield* resource.at("roleRef", "name").mustNotBe("cluster-admin");
    },
  }),
  rule({
    id: "binding-named-subjects",
    title: "A binding names accounts or groups of its own, not everybody.",
    severity: "critical",
    applies: BINDINGS,
    why: "system:anonymous and system:unauthenticated are the whole network; system:masters cannot be restricted.",
    references: ["CIS EKS 4.1.7", "Kubernetes documentation: RBAC good practices"],
    fix: "Name a ServiceAccount, or a group of your identity provider, in subjects[].name.",
    *check(resource: Resource) {
      for (const subject of resource.at("subjects").items()) {
        yield* subject
          .at("name")
          .must(noneOf(EVERYBODY), "must not be everybody, nor system:masters");
      }
    },
  }),
] as const;

const EVERYBODY = [
  "system:anonymous",
  "system:unauthenticated",
  "system:authenticated",
  "system:serviceaccounts",
  "system:masters",
];

/** Where a rule of a role grants a right; wildcards are another rule's. */
function* grants(granted: Field, { resources, verbs }: Right): Iterable<Finding> {
  const given = granted.at("verbs").texts();
  if (given?.some((verb) => verbs.includes(verb)) !== true) return;
  for (const item of granted.at("resources").items()) {
    yield* item.must(noneOf(resources), "must not be granted with these verbs");
  }
}
