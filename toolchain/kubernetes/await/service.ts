import { getPath, listAt, mapAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, waiting, whileItExists } from "./rule";

/**
 * Traffic has somewhere to go: a ready endpoint behind the selector and, for a load balancer, an
 * address in front of it. The endpoint slices say so at once, without a time to settle.
 */
export const serviceRule = whileItExists({
  queries: (service) => {
    const namespace = textAt(service, "metadata", "namespace");
    const labelSelector = `kubernetes.io/service-name=${textAt(service, "metadata", "name")}`;
    const slices = {
      key: "slices",
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      namespace,
      labelSelector,
    };
    return [...(needsEndpoints(service) ? [slices] : []), warningEvents(namespace)];
  },
  evaluate: (service, { related }) => {
    const warnings = warningsAbout(related("events"), service);
    if (needsEndpoints(service) && !related("slices").some((slice) => hasReadyEndpoint(slice))) {
      const selector = JSON.stringify(mapAt(service, "spec", "selector"));
      const missing = `no ready Pod matches the selector ${selector}`;
      return waiting("[1/3] Finding Pods to direct traffic to", [missing, ...warnings]);
    }
    if (needsAddress(service)) {
      return waiting(
        "[2/3] Waiting for the load balancer to get an address",
        warnings.length > 0 ? warnings : [missingBalancer(service)],
      );
    }
    return done("Service initialization complete");
  },
});

function needsEndpoints(service: JsonMap): boolean {
  return (
    textAt(service, "spec", "type") !== "ExternalName" &&
    // A headless Service is a DNS name: peers look each other up before they are ready.
    textAt(service, "spec", "clusterIP") !== "None" &&
    Object.keys(mapAt(service, "spec", "selector")).length > 0
  );
}

function needsAddress(service: JsonMap): boolean {
  return (
    textAt(service, "spec", "type") === "LoadBalancer" &&
    !listAt(service, "status", "loadBalancer", "ingress").some((one) => servesPorts(one, service))
  );
}

/** A controller that lists ports lists all: without the Service's own, the status is that of before. */
function servesPorts(ingress: Json, service: JsonMap): boolean {
  const listed = listAt(ingress, "ports");
  if (listed.length === 0) return true;
  const numbers = listed.map((one) => getPath(one, "port"));
  return listAt(service, "spec", "ports").every((one) => numbers.includes(getPath(one, "port")));
}

function missingBalancer(service: JsonMap): string {
  const controller = textAt(service, "spec", "loadBalancerClass");
  return controller === ""
    ? "the load balancer has no address yet. Does this cluster give Services one?"
    : `the load balancer has no address yet. Does a controller for loadBalancerClass "${controller}" run?`;
}

function hasReadyEndpoint(slice: JsonMap): boolean {
  // Absent means ready, says the API.
  return listAt(slice, "endpoints").some(
    (endpoint) => getPath(endpoint, "conditions", "ready") !== false,
  );
}
