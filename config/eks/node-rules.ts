import type { Problem } from "../errors";
import { problem } from "../explain";
import { architectureOf, architectureOfAmi } from "./instance-types";
import type { Eks } from "./rules";

type Group = Eks["nodes"]["groups"][string];

/** What must hold of the nodes together with the rest of the cluster. */
export function nodeRules(eks: Eks): Problem[] {
  const groups = Object.entries(eks.nodes.groups);
  return [
    ...versionSkew(eks),
    ...groups.flatMap(([name, group]) => [
      ...sizes(name, group),
      ...architectures(name, group),
      ...release(name, group, eks.nodes.kubernetesVersion ?? eks.kubernetesVersion),
    ]),
    ...systemNodes(eks),
  ];
}

const at = (path: string) => `drydock:cluster.nodes.${path}`;

/** Kubelets may be up to three minors older than the API server, and no newer. */
function versionSkew({ kubernetesVersion, nodes }: Eks): Problem[] {
  const nodeVersion = nodes.kubernetesVersion ?? kubernetesVersion;
  const behind = Number(kubernetesVersion.slice(2)) - Number(nodeVersion.slice(2));
  if (behind >= 0 && behind <= 3) return [];
  return [
    problem(
      at("kubernetesVersion"),
      nodeVersion,
      `must not be above kubernetesVersion, "${kubernetesVersion}", nor more than three minors below it`,
      "upgrade the control plane first",
    ),
  ];
}

function sizes(name: string, { minSize, maxSize }: Group): Problem[] {
  if (minSize <= maxSize) return [];
  const rule = `must not exceed maxSize, ${maxSize}`;
  return [problem(at(`groups.${name}.minSize`), minSize, rule, "lower it, or raise maxSize")];
}

function architectures(name: string, { amiType, instanceTypes }: Group): Problem[] {
  const wanted = architectureOfAmi(amiType);
  return instanceTypes.flatMap((type, index) => {
    const found = architectureOf(type);
    if (found === wanted) return [];
    const other = amiType.replace(/x86_64|ARM_64/, found === "arm64" ? "ARM_64" : "x86_64");
    return [
      problem(
        at(`groups.${name}.instanceTypes.${index}`),
        type,
        `must be a type of ${wanted}, as amiType ${amiType} is; this one is ${found}`,
        `choose another type, or set amiType to "${other}"`,
      ),
    ];
  });
}

function release(name: string, { amiType, releaseVersion }: Group, version: string): Problem[] {
  const key = at(`groups.${name}.releaseVersion`);
  const bottlerocket = amiType.startsWith("BOTTLEROCKET");
  if (releaseVersion === undefined) {
    if (!bottlerocket) return [];
    return [
      {
        key,
        rule: "is missing; for Bottlerocket this project pins no release",
        fix: `add the one that \`aws ssm get-parameter --name /aws/service/bottlerocket/aws-k8s-${version}/x86_64/latest/image_version\` names`,
      },
    ];
  }
  if (bottlerocket || releaseVersion.startsWith(`${version}.`)) return [];
  return [
    problem(
      key,
      releaseVersion,
      `must be a release of ${version}, the Kubernetes version of the nodes`,
      "change it, or remove it for the release that this project pins",
    ),
  ];
}

/** CoreDNS, the drivers and the controllers need a node that stays and that lets them in. */
function systemNodes({ nodes, autoscaling }: Eks): Problem[] {
  if (autoscaling.kind === "autoMode") return [];
  const groups = Object.values(nodes.groups);
  const fit = groups.some(
    ({ capacity, minSize, taints }) =>
      capacity === "onDemand" &&
      minSize > 0 &&
      taints.every(
        ({ key, effect }) => key === "CriticalAddonsOnly" || effect.startsWith("PREFER"),
      ),
  );
  if (fit) return [];
  const all = groups.length > 0 && groups.every(({ capacity }) => capacity === "spot");
  return [
    problem(
      at("groups"),
      Object.keys(nodes.groups),
      'must have one with capacity "onDemand", minSize 1 or more and no taint but CriticalAddonsOnly, for the ' +
        `cluster's own add-ons${all ? "; all are spot, and could be taken away at once" : ""}`,
      'add it, for example: {"system":{"instanceTypes":["m7i.large"]}}',
    ),
  ];
}
