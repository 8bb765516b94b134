import type { Field } from "../field";
import type { Truth } from "../logic";
import { rule } from "../rule";
import { mainContainers, pod, SERVERS } from "../views/pods";

export const probes = [
  rule({
    id: "container-readiness-probe",
    title: "Every serving container says when it is ready, at a port that it has.",
    severity: "medium",
    applies: SERVERS,
    why: "Without it a Service sends requests to pods that cannot answer yet.",
    references: ["CKV_K8S_9", "Polaris readinessProbeMissing", "Kyverno require-pod-probes"],
    fix: "Set readinessProbe; a port by name must be one of ports[].name.",
    *check(resource) {
      for (const container of mainContainers(pod(resource))) {
        const probe = container.at("readinessProbe");
        yield* probe.mustBeSet();
        yield* namedPort(container, probe);
      }
    },
  }),
  rule({
    id: "container-liveness-probe",
    title:
      "Every serving container is restarted when it hangs, later than it is taken out of service.",
    severity: "medium",
    applies: SERVERS,
    why: "A hanging process stays; one probe for both restarts pods that are only busy, all at once.",
    references: ["CKV_K8S_8", "kube-score pod-probes-identical", "Polaris livenessProbeMissing"],
    fix: "Set livenessProbe; where it asks the same as readinessProbe, give it more time (failureThreshold x periodSeconds).",
    *check(resource) {
      for (const container of mainContainers(pod(resource))) {
        const [liveness, readiness] = [
          container.at("livenessProbe"),
          container.at("readinessProbe"),
        ];
        yield* liveness.mustBeSet();
        yield* namedPort(container, liveness);
        const [a, b] = [handlerOf(liveness), handlerOf(readiness)];
        const [late, soon] = [patience(liveness), patience(readiness)];
        if (late === undefined || soon === undefined || a === undefined) continue;
        if (a === b && late <= soon) {
          yield liveness.finding(
            "must have more patience than readinessProbe, or ask another thing",
          );
        }
      }
    },
  }),
] as const;

/** A misspelt name never answers, and the pod never gets ready. */
function* namedPort(container: Field, probe: Field) {
  for (const [kind, handler] of probe.entries()) {
    const port = handler.at("port");
    if (!["httpGet", "tcpSocket"].includes(kind) || port.text === undefined) continue;
    const named = container.at("ports").some((one) => sameName(one.at("name"), port));
    if (named !== false) continue;
    yield port.finding("must be the name of a port of the container");
  }
}

/** What a probe asks, as text; undefined where there is none or it is not known. */
function handlerOf(probe: Field): string | undefined {
  const handlers = ["httpGet", "tcpSocket", "grpc", "exec"].map((kind) => probe.at(kind));
  const [handler] = handlers.filter((one) => !one.isAbsent && !one.isUnknown);
  if (handler === undefined) return undefined;
  const parts = ["path", "port", "service"].map((key) =>
    JSON.stringify(handler.at(key).value ?? ""),
  );
  return [
    handler.path.split(".").at(-1),
    ...parts,
    ...(handler.at("command").texts() ?? []),
  ].join();
}

/** Seconds until the probe has failed, by the defaults of the API; undefined where not known. */
function patience(probe: Field): number | undefined {
  const [period, failures] = [probe.at("periodSeconds"), probe.at("failureThreshold")];
  if (period.isUnknown || failures.isUnknown) return undefined;
  return (period.number ?? 10) * (failures.number ?? 3);
}

function sameName(name: Field, port: Field): Truth {
  return name.isUnknown ? undefined : name.value === port.value;
}
