export type Architecture = "x86_64" | "arm64";

/**
 * Architecture of an EC2 instance type by its name: family, generation, then attributes, among which a
 * `g` stands for Graviton. https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function architectureOf(instanceType: string): Architecture {
  const [family = ""] = instanceType.split(".");
  const [, series = "", attributes = ""] = /^([a-z]+\d+)(.*)$/.exec(family) ?? [];
  return series === "a1" || attributes.includes("g") ? "arm64" : "x86_64";
}

/** Architecture that an AMI type of EKS runs on. */
export function architectureOfAmi(amiType: string): Architecture {
  return amiType.includes("ARM_64") ? "arm64" : "x86_64";
}
