"use strict";
// Loads TypeScript by stripping its types with esbuild, so that no preview pays for a type check: that is
// `npm run check`'s. The JavaScript is kept by the hash of its source, so that it cannot be stale.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const root = path.dirname(__dirname);
const cacheFolder = path.join(root, "node_modules", ".cache", "drydock");
const options = {
  format: "cjs",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  // Node's own import() does not ask require.extensions.
  supported: { "dynamic-import": false },
};
const cacheKey = JSON.stringify([options, require("esbuild/package.json").version]);

/** JavaScript by the path of its source. */
const loaded = new Map();

require.extensions[".ts"] = (module, filename) => {
  const source = fs.readFileSync(filename, "utf8");
  const hash = createHash("sha256").update(cacheKey).update(filename).update(source).digest("hex");
  const cached = path.join(cacheFolder, `${hash}.js`);
  const code = read(cached) ?? keep(cached, compile(filename, source));
  loaded.set(filename, code);
  module._compile(code, filename);
};

// import() names the file that a compiler would make of the source.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  const compiled =
    request.startsWith(".") && request.endsWith(".js") && loaded.has(parent?.filename);
  return resolveFilename.call(this, compiled ? request.slice(0, -3) : request, parent, ...rest);
};

function compile(filename, source) {
  const sourcefile = path.relative(root, filename);
  try {
    const { transformSync } = require("esbuild");
    return transformSync(source, { ...options, loader: "ts", sourcefile, logLevel: "silent" }).code;
  } catch (error) {
    const [first] = error.errors ?? [];
    if (first === undefined) throw error;
    // Pulumi shows a SyntaxError without a stack trace, which would be esbuild's.
    const { file, line, column } = first.location;
    throw new SyntaxError(`${file}:${line}:${column + 1}: ${first.text}`);
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Another process may write the same file: each writes its own and renames it. */
function keep(file, code) {
  try {
    fs.mkdirSync(cacheFolder, { recursive: true });
    const draft = `${file}.${process.pid}`;
    fs.writeFileSync(draft, code);
    fs.renameSync(draft, file);
  } catch {
    // A read-only checkout works too, and compiles each time.
  }
  return code;
}

// The SDK takes a stack trace for each resource, to tell where the program declares it, and maps every
// frame of it with files from the disk. Only the program's frames are worth a map, and theirs are here.
// It takes more for each promise, to be shown if that is never settled: those are written when they are shown.
Error.prepareStackTrace = (error, frames) =>
  frames[0]?.getFunctionName() === "debuggablePromise"
    ? { toString: () => written(error, frames) }
    : written(error, frames);

function written(error, frames) {
  return [String(error), ...frames.map((frame) => `    at ${inSource(frame)}`)].join("\n");
}

function inSource(frame) {
  const file = frame.getFileName();
  const map = mapOf(file);
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  if (map === undefined || line === null || column === null) return String(frame);
  const { originalLine, originalColumn } = map.findEntry(line - 1, column - 1);
  if (originalLine === undefined) return String(frame);
  const position = `${file}:${originalLine + 1}:${originalColumn + 1}`;
  return String(frame).replace(`${file}:${line}:${column}`, position);
}

const maps = new Map();

function mapOf(file) {
  const code = loaded.get(file);
  if (code === undefined) return undefined;
  if (!maps.has(file)) {
    const payload = code.slice(code.lastIndexOf(",") + 1).trim(); // The data URL's base64.
    maps.set(file, new Module.SourceMap(JSON.parse(Buffer.from(payload, "base64").toString())));
  }
  return maps.get(file);
}
