import { listAt, textAt, type Json, type JsonMap } from "../objects";
import { warningEvents, warningsAbout } from "./events";
import { done, waiting, whileItExists, type Query, type Snapshot } from "./rule";

const SERVICE_NAME = "kubernetes.io/service-name";
const DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class";

/** How long backends may be missing: a controller may serve the rest, or bring them itself. */
const BACKEND_GRACE_SECONDS = 60;

/** The backend names an action of the AWS load balancer controller, not a Service. */
const ACTION_PORT = "use-annotation";

/** Every Service it sends traffic to has endpoints, and its controller has given it an address. */
export const ingressRule = whileItExists({
  queries: (ingress) => {
    const namespace = textAt(ingress, "metadata", "namespace");
    return [
      ...backendQueries(ingress, namespace),
      {
        key: "classes",
        apiVersion: "networking.k8s.io/v1",
        kind: "IngressClass",
        namespace: "",
      },
      warningEvents(namespace),
    ];
  },
  evaluate: (ingress, snapshot) => {
    const missing = missingBackends(ingress, snapshot);
    if (missing.length > 0 && snapshot.waitedSeconds < BACKEND_GRACE_SECONDS) {
      return waiting("[1/3] Finding a matching service for each Ingress path", missing);
    }
    if (listAt(ingress, "status", "loadBalancer", "ingress").length > 0) {
      return done("Ingress initialization complete", missing);
    }
    const problems = [
      ...missing,
      ...missingClass(ingress, snapshot.related("classes")),
      ...warningsAbout(snapshot.related("events"), ingress),
    ];
    return waiting(
      "[2/3] Waiting for the Ingress controller to give an address",
      problems.length > 0 ? problems : ["no Ingress controller has given it an address yet"],
    );
  },
});

interface Backend {
  readonly service: string;
  /** What the user wrote that leads there. */
  readonly path: string;
}

function backendsOf(ingress: Json): Backend[] {
  const paths = listAt(ingress, "spec", "rules").flatMap((rule) =>
    listAt(rule, "http", "paths").map((entry) => ({
      backend: entry,
      path: `"${textAt(rule, "host")}${textAt(entry, "path")}"`,
    })),
  );
  const found = [
    ...paths.map(({ backend, path }) => ({ service: serviceOf(backend, "backend"), path })),
    { service: serviceOf(ingress, "spec", "defaultBackend"), path: "the default backend" },
  ];
  return found.filter(({ service }) => service !== "");
}

/** Empty for a backend that is another resource, or an action of the controller. */
function serviceOf(value: Json, ...path: readonly string[]): string {
  const isAction = textAt(value, ...path, "service", "port", "name") === ACTION_PORT;
  return isAction ? "" : textAt(value, ...path, "service", "name");
}

function backendQueries(ingress: JsonMap, namespace: string): Query[] {
  const names = [...new Set(backendsOf(ingress).map(({ service }) => service))];
  return names.length === 0
    ? []
    : [
        { key: "services", apiVersion: "v1", kind: "Service", namespace },
        {
          key: "slices",
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          namespace,
          labelSelector: `${SERVICE_NAME} in (${names.join(",")})`,
        },
      ];
}

function missingBackends(ingress: JsonMap, { related }: Snapshot): string[] {
  const services = related("services");
  const sliced = new Set(
    related("slices").map((slice) => textAt(slice, "metadata", "labels", SERVICE_NAME)),
  );
  return backendsOf(ingress).flatMap(({ service, path }) => {
    const found = services.find((candidate) => textAt(candidate, "metadata", "name") === service);
    if (textAt(found, "spec", "type") === "ExternalName" || sliced.has(service)) {
      return [];
    }
    const lack = found === undefined ? "does not exist" : "has no endpoints";
    return [`Service ${service}, to which ${path} leads, ${lack}`];
  });
}

function missingClass(ingress: JsonMap, classes: readonly JsonMap[]): string[] {
  const wanted = textAt(ingress, "spec", "ingressClassName");
  if (wanted !== "") {
    return classes.some((candidate) => textAt(candidate, "metadata", "name") === wanted)
      ? []
      : [`IngressClass ${wanted} does not exist: is its controller installed?`];
  }
  const older = textAt(ingress, "metadata", "annotations", "kubernetes.io/ingress.class");
  const isDefault = (candidate: Json) =>
    textAt(candidate, "metadata", "annotations", DEFAULT_CLASS) === "true";
  return older !== "" || classes.some((candidate) => isDefault(candidate))
    ? []
    : ["it names no ingressClassName and no IngressClass is the default one"];
}
