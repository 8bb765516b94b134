import { describe, expect, it } from "vitest";

import type { AppSecret, Cpu, Duration, Memory, Place } from "../../apps/workload";
import { Workload } from "../../apps/workload";

/**
 * What does not compile. `npm run check` proves it: it fails where the line after an `@ts-expect-error`
 * is right. Nothing here runs.
 */
export function refused(place: Place, secret: AppSecret<"token">) {
  const image = "example.com/app:1";
  const resources = { cpu: "50m", memory: "64Mi" } as const;
  const health = { path: "/", port: "http" } as const;
  const app = { image, resources, ports: { http: 8080 }, health } as const;
  const common = { place, replicas: 2 };

  const right = new Workload("app", {
    ...common,
    containers: { app, quiet: { image, resources, health: { command: ["true"] } } },
    sidecars: { side: { image, resources, ports: { metrics: 9090 } } },
    service: { ports: { http: 80, metrics: 81 }, from: ["other"] },
  });
  right.endpoint("metrics");
  // @ts-expect-error -- no container has such a port
  right.endpoint("htp");

  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- a Service to a port that no container has
    service: { ports: { htp: 80 }, from: "loadBalancer" },
  });
  new Workload("app", {
    ...common,
    // @ts-expect-error -- a check at a port that the container does not have
    containers: { app: { ...app, health: { path: "/", port: "metrics" } } },
  });
  new Workload("app", {
    ...common,
    // @ts-expect-error -- a container without a check
    containers: { app: { image, resources } },
  });
  new Workload("app", {
    ...common,
    // @ts-expect-error -- a mount of a volume that the workload does not have
    containers: { app: { ...app, mounts: { tmp: "/tmp", dta: "/data" } } },
    volumes: { tmp: { emptyDir: "1Mi" } },
  });
  new Workload("app", {
    ...common,
    // @ts-expect-error -- a key that no container has
    containers: { app: { ...app, readiness: health } },
  });
  new Workload("app", {
    ...common,
    // @ts-expect-error -- megabytes are not a unit of Kubernetes
    containers: { app: { ...app, resources: { cpu: "50m", memory: "64MB" } } },
  });
  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- a shared volume says who may mount it
    volumes: { data: { shared: "1Gi" } },
  });
  const arn = "arn:aws:s3:::pages/*";
  const actions = ["s3:GetObject"] as const;
  new Workload("app", {
    ...common,
    containers: { app },
    identity: { grants: [{ sid: "Read", actions, resources: [arn] }] },
  });
  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- everything is no resource
    identity: { grants: [{ sid: "Read", actions, resources: ["*"] }] },
  });
  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- everything is no action
    identity: { grants: [{ sid: "Read", actions: ["*"], resources: [arn] }] },
  });
  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- an identity without rights
    identity: { grants: [] },
  });
  new Workload("app", {
    ...common,
    containers: { app },
    // @ts-expect-error -- the ARN of something else than an entry of Secrets Manager
    volumes: { keys: { externalSecrets: { key: { secretArn: arn } } } },
  });
  // @ts-expect-error -- the secret has no such key
  secret.files("tokne");
  // @ts-expect-error -- the secret has no such key
  secret.variable("tokne");
}

describe("units", () => {
  it("are types", () => {
    const cpu: Cpu[] = ["250m", "2", "0.5"];
    const memory: Memory[] = ["64Mi", "2Gi", "512Ki"];
    const time: Duration[] = ["30s", "5m", "1h"];
    // @ts-expect-error -- no unit
    const bare: Memory = "64";
    // @ts-expect-error -- no unit
    const number: Duration = 30;
    expect([...cpu, ...memory, ...time]).toHaveLength(9);
    expect([bare, number]).toEqual(["64", 30]);
  });
});
