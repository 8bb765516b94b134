import type { Asked } from "./pack";

/** A state file with the resources, as `pulumi stack export` writes it; without secrets and providers. */
export function stateOf(resources: readonly Asked[]): string {
  const stack = "urn:pulumi:test::drydock::pulumi:pulumi:Stack::drydock-test";
  const entries = resources
    .filter(({ type }) => !type.startsWith("pulumi:"))
    .map(({ urn, type, inputs, protect, dependencies = [], propertyDependencies = {} }) => {
      const known = (list: readonly string[]) =>
        list.filter((one) => !one.includes("pulumi:pulumi:Stack"));
      return {
        urn,
        type,
        // As a component: so no provider is asked for.
        custom: false,
        parent: stack,
        inputs,
        outputs: inputs,
        ...(protect === true && { protect }),
        dependencies: known(dependencies),
        propertyDependencies,
      };
    });
  return JSON.stringify({
    version: 3,
    deployment: {
      manifest: { time: "2026-12-01T00:00:00Z", magic: "", version: "" },
      resources: [{ urn: stack, type: "pulumi:pulumi:Stack", custom: false }, ...entries],
    },
  });
}
