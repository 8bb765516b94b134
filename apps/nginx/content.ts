import * as fs from "node:fs";
import * as path from "node:path";

const folder = path.join(__dirname, "image", "site");

/**
 * The site's files by name, as a ConfigMap holds them: text, 1 MB in all at most. They are in the image
 * too; mounted over those, a change of the site needs no other image.
 */
export function siteContent(): Readonly<Record<string, string>> {
  const names = fs.readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, fs.readFileSync(path.join(folder, name), "utf8")]),
  );
}
