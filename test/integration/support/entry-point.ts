import { request } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "vitest";

import type { Checkout } from "./checkout";

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The ingress of a checkout's cluster, asked under any name without a name server. */
export class EntryPoint {
  readonly url: string;

  constructor(
    private readonly checkout: Checkout,
    readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${String(port)}`;
  }

  /** Over a connection of its own. */
  ask(host: string, path: string, { method = "GET", body = "" } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { host, connection: "close" };
      const asked = request(
        `${this.url}${path}`,
        { method, headers, timeout: 15_000 },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text }));
          answer.once("error", reject);
        },
      );
      asked.once("timeout", () => asked.destroy(new Error("no answer")));
      asked.once("error", reject);
      asked.end(body);
    });
  }

  /** An Ingress `another` in the namespace web, of no class: Services by path. */
  async apply(host: string, services: Readonly<Record<string, string>>): Promise<void> {
    const paths = Object.entries(services).map(([path, name]) => ({
      path,
      pathType: "Prefix",
      backend: { service: { name, port: { name: "http" } } },
    }));
    const manifest = {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "another", namespace: "web" },
      spec: { rules: [{ host, http: { paths } }] },
    };
    const file = join(this.checkout.home, "ingress.json");
    writeFileSync(file, JSON.stringify(manifest));
    const applied = await this.checkout.kubectl("apply", "--filename", file);
    expect(applied.code, applied.all).toBe(0);
  }

  /** Where the status of an Ingress says that it answers. */
  async addresses(name: string): Promise<unknown> {
    const get = ["get", "ingress", name, "--namespace", "web", "--output", "json"];
    const { stdout } = await this.checkout.kubectl(...get);
    const { status } = JSON.parse(stdout) as { status: { loadBalancer: { ingress?: unknown } } };
    return status.loadBalancer.ingress;
  }
}
