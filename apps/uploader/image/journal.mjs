// The sidecar of the uploader. Both mount one volume: the uploader writes there what it has done, a line each,
// and this ships the lines to its own log, and tells at a port of the pod how many there were.
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { HttpError, httpServer, json, log, runUntilTold } from "../../node/http.mjs";
import { JOURNAL, missing } from "./store.mjs";

/** A line is written within this time, so that a file that was renamed is whole one period later. */
const PERIOD_MS = 500;

export class Shipper {
  /** @param {string} directory */
  constructor(directory) {
    this.journal = join(directory, JOURNAL);
    this.taken = join(directory, `${JOURNAL}.taken`);
    this.shipped = 0;
  }

  /**
   * Ships what the call before has taken, and takes what there is now. A line is shipped once, and again
   * only where the process ended in between.
   * @param {(line: string) => void} send
   */
  async ship(send) {
    const text = await readFile(this.taken, "utf8").catch(missing);
    if (text !== undefined) {
      const lines = text.split("\n").filter((line) => line !== "");
      lines.forEach((line) => send(line));
      this.shipped += lines.length;
      await rm(this.taken);
    }
    await rename(this.journal, this.taken).catch(missing);
  }
}

/** @param {Shipper} shipper */
export function journalServer(shipper) {
  return httpServer((_request, path) => {
    if (path !== "/shipped") {
      return Promise.reject(new HttpError(404, "There is GET /shipped, and nothing else."));
    }
    return Promise.resolve(json(200, { shipped: shipper.shipped }));
  });
}

/**
 * @param {string} directory
 * @param {number} port
 */
export function shipForEver(directory, port) {
  const shipper = new Shipper(directory);
  const period = setInterval(() => {
    shipper
      .ship((line) => process.stdout.write(`${line}\n`))
      .catch((/** @type {unknown} */ error) => log({ error: String(error) }));
  }, PERIOD_MS);
  const server = journalServer(shipper);
  server.on("close", () => clearInterval(period));
  runUntilTold(server, port);
}
