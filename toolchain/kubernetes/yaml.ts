import { PluginError } from "../plugin/errors";
import { isMap, unwrapSecrets, type PropertyMap, type PropertyValue } from "../plugin/values";

/** The objects of a YAML text, lists taken apart. */
export async function decodeYaml(args: PropertyMap): Promise<PropertyValue[]> {
  const { text } = unwrapSecrets(args);
  if (typeof text !== "string") {
    throw new PluginError('kubernetes:yaml:decode needs the argument "text"');
  }
  const { loadAll } = await import("js-yaml");
  let documents: PropertyValue[];
  try {
    documents = loadAll(text) as PropertyValue[];
  } catch (error) {
    throw new PluginError(`the YAML cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return documents.flatMap((document) => objectsIn(document));
}

function objectsIn(document: PropertyValue | undefined): PropertyValue[] {
  if (document === undefined || !isMap(document)) {
    return [];
  }
  const { kind, items } = document;
  const isList = typeof kind === "string" && kind.endsWith("List") && Array.isArray(items);
  return isList ? items.flatMap((item) => objectsIn(item)) : [document];
}
