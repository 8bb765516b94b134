import type { Field, Finding } from "../field";
import type { Resource } from "../resource";
import { rule, texts } from "../rule";
import { allows, listed, NODE_GROUP, statements } from "../views/aws";
import { accountField, accounts } from "../views/accounts";
import { namespaceOf, refersTo, sameNamespace } from "../views/kubernetes";
import {
  externalSecretClasses,
  type Pod,
  POD_OWNERS,
  podsOf,
  SECRET_PROVIDER_CLASS,
} from "../views/pods";
import { both, same, some, type Truth } from "../logic";

const ROLE = "aws:iam/role:Role";
const ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment";
const ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation";

const POLICIES = [
  "aws:iam/policy:Policy",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/userPolicy:UserPolicy",
  "aws:iam/groupPolicy:GroupPolicy",
];

const NODE_POLICIES = [
  "AmazonEKSWorkerNodePolicy",
  "AmazonEKSWorkerNodeMinimalPolicy",
  "AmazonEC2ContainerRegistryReadOnly",
  "AmazonEC2ContainerRegistryPullOnly",
  "AmazonEKS_CNI_Policy",
  "AmazonSSMManagedInstanceCore",
];

export const iam = [
  rule({
    id: "iam-policy-no-wildcards",
    title: "No policy allows every action, nor every action of a service on everything.",
    severity: "critical",
    applies: POLICIES,
    why: "Who gets such a role, owns the account.",
    references: ["AWS FSBP IAM.1", "AWS FSBP IAM.21", "CKV_AWS_62", "CKV_AWS_63"],
    fix: "List actions in policy.Statement[].Action, and resources in policy.Statement[].Resource.",
    // Over the stack: rights on what has no name before it is made are known only then, and a finding must
    // not stop an update half-way.
    *checkStack(stack) {
      for (const resource of stack.of(...POLICIES)) {
        for (const statement of statements(resource.at("policy")).filter(allows)) {
          yield* tooWide(statement);
        }
      }
    },
  }),
  rule({
    id: "iam-trust-named",
    title: "A role is trusted to named services and accounts only.",
    severity: "critical",
    applies: [ROLE],
    why: "A principal * lets any AWS account take the role.",
    references: ["IAM documentation: principals", "CKV_AWS_60", "CKV_AWS_61"],
    fix: "Name the service or account in assumeRolePolicy.Statement[].Principal.",
    *check(resource) {
      for (const statement of statements(resource.at("assumeRolePolicy")).filter(allows)) {
        const principal = statement.at("Principal");
        if (principal.value === "*" || listed(principal.at("AWS")).includes("*")) {
          yield principal.finding("must not be everybody");
        }
      }
    },
  }),
  rule({
    id: "iam-no-users",
    title: "No people or programs get lasting keys, and no policy is attached to a user.",
    severity: "high",
    applies: [
      "aws:iam/user:User",
      "aws:iam/accessKey:AccessKey",
      "aws:iam/userPolicyAttachment:UserPolicyAttachment",
      "aws:iam/userPolicy:UserPolicy",
    ],
    why: "An access key is valid until somebody remembers it; a role's credentials end within hours.",
    references: ["AWS FSBP IAM.2", "CIS AWS 1.15", "CKV_AWS_40"],
    fix: "Declare an aws.iam.Role, and take it by Pod Identity, OIDC or your identity provider.",
    *check(resource) {
      yield resource.finding("user", "must be a role instead of a user or its key");
    },
  }),
  rule({
    id: "iam-node-role-minimal",
    title: "The role of nodes holds what nodes need, and no more.",
    severity: "high",
    applies: [NODE_GROUP],
    why: "Whatever breaks out of a pod has the role of its node.",
    references: ["Pulumi pack: eks-node-group-iam-role-minimal-policy", "CIS EKS 5.1.3"],
    fix: "Take the policy off the role of nodeRoleArn, and give it to the workload by Pod Identity.",
    parameters: { policies: texts(NODE_POLICIES, "Managed policies that the role may have.") },
    *checkStack(stack, { policies }) {
      for (const group of stack.of(NODE_GROUP)) {
        const roles = stack.sources(group, "nodeRoleArn");
        const ofRole = (one: Resource) => stack.sources(one, "role").some((r) => roles.includes(r));
        for (const attachment of stack.of(ATTACHMENT).filter(ofRole)) {
          const arn = attachment.at("policyArn");
          if (arn.isUnknown || policies.includes(arn.text?.split("/").at(-1) ?? "")) continue;
          yield group.finding(
            "nodeRoleArn",
            "must not be a role with other policies than nodes need",
          );
        }
      }
    },
  }),
  rule({
    id: "pod-identity-complete",
    title: "A pod identity belongs to an account of the stack, and its role trusts EKS.",
    severity: "high",
    applies: [ASSOCIATION],
    why: "A misspelt name gives no credentials, and the pod falls back to those of its node.",
    references: ["CIS EKS 5.2.1", "EKS documentation: Pod Identity"],
    fix: "Set namespace and serviceAccount to those of a ServiceAccount, and let the role trust pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession.",
    parameters: {
      elsewhere: texts(
        [
          "aws-load-balancer-controller",
          "ebs-csi-controller-sa",
          "efs-csi-controller-sa",
          "karpenter",
          "aws-node",
        ],
        "Service accounts that add-ons and charts bring.",
      ),
    },
    *checkStack(stack, { elsewhere }) {
      for (const association of stack.of(ASSOCIATION)) {
        const name = association.at("serviceAccount");
        const near = accounts(stack).filter(
          (one) => same(namespaceOf(one), association.at("namespace").text) !== false,
        );
        const isElsewhere = name.text !== undefined && elsewhere.includes(name.text);
        if (!isElsewhere && refersTo(association, name, near) === false) {
          yield name.finding("must be a ServiceAccount of this stack in that namespace");
        }
        for (const role of stack
          .sources(association, "roleArn")
          .filter(({ kind }) => kind === ROLE)) {
          if (trustsPods(role) === false) {
            yield association.finding(
              "roleArn",
              "must be a role that trusts pods.eks.amazonaws.com",
            );
          }
        }
      }
    },
  }),
  rule({
    id: "pod-identity-own-role",
    title: "No two service accounts share a role.",
    severity: "medium",
    applies: [ASSOCIATION],
    why: "Rights that one workload needs would belong to the other too.",
    references: ["CIS EKS 5.2.1", "Pulumi pack: eks-service-accounts-iam-role-binding"],
    fix: "Give each association's roleArn a role of its own.",
    *checkStack(stack) {
      const associations = stack.of(ASSOCIATION);
      const rolesOf = (one: Resource) => stack.sources(one, "roleArn");
      for (const [index, one] of associations.entries()) {
        const earlier = associations.slice(0, index).flatMap(rolesOf);
        if (!rolesOf(one).some((role) => earlier.includes(role))) continue;
        yield one.finding("roleArn", "must be a role of this association alone");
      }
    },
  }),
  rule({
    id: "pod-identity-reads-external-secrets",
    title: "A pod that mounts entries of AWS's secret store has an identity to read them with.",
    severity: "high",
    applies: POD_OWNERS,
    why: "Without it the volume cannot be mounted, and the pod never starts.",
    references: ["AWS Secrets Manager documentation: ASCP with Pod Identity"],
    fix: "Declare a PodIdentityAssociation for the pod's namespace and serviceAccountName.",
    *checkStack(stack) {
      for (const pod of podsOf(stack)) {
        for (const name of externalSecretClasses(pod)) {
          const near = stack
            .of(SECRET_PROVIDER_CLASS)
            .filter((one) => sameNamespace(one, pod.owner) !== false);
          const byIdentity = near.filter(
            (one) => one.at("spec", "parameters", "usePodIdentity").text === "true",
          );
          if (some(byIdentity, (one) => refersTo(pod.owner, name, [one])) !== true) continue;
          if (some(stack.of(ASSOCIATION), (one) => isIdentityOf(one, pod)) !== false) continue;
          yield name.finding("must be read with an identity of the pod's account");
        }
      }
    },
  }),
] as const;

function isIdentityOf(association: Resource, pod: Pod): Truth {
  const account = accountField(pod);
  return both(
    same(association.at("serviceAccount").text, account.isAbsent ? "default" : account.text),
    same(association.at("namespace").text, namespaceOf(pod.owner)),
  );
}

function* tooWide(statement: Field): Iterable<Finding> {
  const actions = listed(statement.at("Action"));
  const everything = listed(statement.at("Resource")).includes("*");
  if (!statement.at("NotAction").isAbsent) {
    yield statement.at("NotAction").finding("must not be used with Allow");
  }
  if (actions.some((one) => one === "*" || (everything && /^[\w-]+:\*$/.test(one)))) {
    yield statement.at("Action").finding("must list single actions");
  }
}

/** undefined where the trust policy is not known yet. */
function trustsPods(role: Resource): boolean | undefined {
  const document = role.at("assumeRolePolicy");
  if (document.isUnknown) return undefined;
  return statements(document).some((statement) => {
    const actions = listed(statement.at("Action"));
    return (
      listed(statement.at("Principal", "Service")).includes("pods.eks.amazonaws.com") &&
      ["sts:AssumeRole", "sts:TagSession"].every((action) => actions.includes(action))
    );
  });
}
