import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

import { describe, expect, it, onTestFinished } from "vitest";

import { isHealthy } from "../../infra/local/runtime/readiness";
import { stopServer } from "./support/services";

/** @returns URL of a health check until the test ends */
async function serve(check: RequestListener): Promise<string> {
  const server = createServer(check);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => stopServer(server));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/readyz`;
}

const answering = (status: number) => serve((_, response) => response.writeHead(status).end());
const hanging = () => serve(() => undefined);

describe("a component", () => {
  it("is healthy where its check answers with success", async () => {
    expect(await isHealthy(await answering(200))).toBe(true);
    expect(await isHealthy(await answering(500))).toBe(false);
  });

  it("is not where the check hangs", async () => {
    expect(await isHealthy(await hanging(), new AbortController().signal)).toBe(false);
  });

  it("is not waited for by one who was interrupted", async () => {
    const interrupt = new AbortController();
    const url = await hanging();
    const [patient, interrupted] = [isHealthy(url), isHealthy(url, interrupt.signal)];
    interrupt.abort();
    const first = await Promise.race([
      interrupted.then(() => "interrupted"),
      patient.then(() => "patient"),
    ]);
    expect(first).toBe("interrupted");
    expect(await interrupted).toBe(false);
    await patient;
  });
});
