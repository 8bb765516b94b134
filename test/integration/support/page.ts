import { eventually } from "../../support/eventually";

/** One request for the page; the connection is not kept. */
export async function fetchPage(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(15_000),
  });
  return { status: response.status, text: await response.text() };
}

/** Counts answers while `work` runs: bounded, one request at a time. */
export async function watchPage<T>(
  url: string,
  work: () => Promise<T>,
): Promise<{ result: T; answered: number; failed: string[] }> {
  const watching = new AbortController();
  let answered = 0;
  const failed: string[] = [];
  const watch = (async () => {
    for (let count = 0; !watching.signal.aborted && count < 20_000; count += 1) {
      const outcome = await fetchPage(url).then(({ status }) => String(status), String);
      if (outcome === "200") {
        answered += 1;
      } else {
        failed.push(outcome);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    return { result: await work(), answered, failed };
  } finally {
    watching.abort();
    await watch;
  }
}

/** Names of the pods that answered a bounded number of requests, with their counts. */
export async function servingPods(url: string, requests: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let index = 0; index < requests; index += 1) {
    const { text } = await fetchPage(`${url}/whoami`);
    counts.set(text.trim(), (counts.get(text.trim()) ?? 0) + 1);
  }
  return counts;
}

/** Until the page is served: pods are ready, and a Service has its address, before kube-proxy knows of them. */
export async function untilServed(url: string): Promise<void> {
  await eventually(async () => {
    const page = await fetchPage(url).catch(() => undefined);
    return page?.status === 200;
  });
}

/** Until all these pods answer and no other: kube-proxy hears of those that come and go a moment later. */
export async function untilServedBy(url: string, pods: readonly string[]): Promise<void> {
  const wanted = [...pods].sort().join();
  await eventually(async () => {
    const serving = await servingPods(url, 10 * pods.length);
    return [...serving.keys()].sort().join() === wanted;
  });
}
