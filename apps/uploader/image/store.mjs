// Files in a directory. A file is there whole or not at all, whenever the process ends.
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { HttpError } from "../../node/http.mjs";

/** No separator, no leading dot: a name is never a way out of the directory. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,94}\.(?:md|txt)$/;
const NAME_RULE =
  "1 to 99 letters, digits, dots, hyphens and underscores, a letter or digit first, .md or .txt last";

/** What was done, a line each, until the sidecar takes it. */
export const JOURNAL = "journal.jsonl";

/**
 * @param {string} name as it stands in a URL
 * @throws {HttpError} 400
 */
export function checkName(name) {
  if (!NAME.test(name)) throw new HttpError(400, `The name of a file is ${NAME_RULE}.`);
  return name;
}

export class Store {
  /**
   * @param {string} directory
   * @param {number} mostFiles
   */
  constructor(directory, mostFiles) {
    this.files = join(directory, "files");
    this.pages = join(directory, "pages");
    this.mostFiles = mostFiles;
  }

  /** Whether it can be written to; throws where not. */
  async check() {
    await Promise.all([this.files, this.pages].map((one) => mkdir(one, { recursive: true })));
    await access(this.files, constants.W_OK);
  }

  /** @returns {Promise<string[]>} names, sorted */
  async list() {
    const names = await readdir(this.files).catch(emptyWhereMissing);
    return names.filter((name) => NAME.test(name)).sort();
  }

  /**
   * @param {string} name
   * @param {Buffer} data
   * @returns {Promise<boolean>} whether there was no such file before
   * @throws {HttpError} 507 where it would be one too many, or the disk is full
   */
  async put(name, data) {
    await this.check();
    const names = await this.list();
    const isNew = !names.includes(name);
    if (isNew && names.length >= this.mostFiles) {
      throw new HttpError(507, `There are ${this.mostFiles} files, which is the most.`);
    }
    await write(join(this.files, name), data);
    return isNew;
  }

  /**
   * @param {string} name
   * @param {string} html
   */
  async putPage(name, html) {
    await write(join(this.pages, `${name}.html`), Buffer.from(html));
  }

  /** @param {string} name */
  async get(name) {
    return await readOrNotFound(join(this.files, name), name);
  }

  /** @param {string} name */
  async getPage(name) {
    return await readOrNotFound(join(this.pages, `${name}.html`), name);
  }
}

/**
 * @param {string} path
 * @param {Buffer} data
 */
async function write(path, data) {
  const temporary = join(path, "..", `.${randomUUID()}`);
  try {
    const file = await open(temporary, "wx", 0o640);
    try {
      await file.writeFile(data);
      // On the disk before it has its name: a crash leaves the old file or the new one.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (codeOf(error) === "ENOSPC") throw new HttpError(507, "The volume is full.");
    throw error;
  }
}

/**
 * @param {string} path
 * @param {string} name
 */
async function readOrNotFound(path, name) {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new HttpError(404, `There is no ${name}.`);
    throw error;
  }
}

/**
 * @param {unknown} error
 * @returns {string[]}
 */
function emptyWhereMissing(error) {
  if (codeOf(error) === "ENOENT") return [];
  throw error;
}

/**
 * For a file that need not be there.
 * @param {unknown} error
 * @returns {undefined}
 */
export function missing(error) {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
