import { PluginError } from "../plugin/errors";
import { isMap, unwrapSecrets, type PropertyMap, type PropertyValue } from "../plugin/values";

/** The objects of a YAML text, lists taken apart. */
export async function decodeYaml(args: PropertyMap): Promise<PropertyValue[]> {
  const { text } = unwrapSecrets(args);
  if (typeof text !== "string") {
    throw new PluginError('kubernetes:yaml:decode needs the argument "text"');
  }
  const { parseAllDocuments } = await import("yaml");
  return [...parseAllDocuments(text)].flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new PluginError(`the YAML cannot be read: ${error.message}`, { cause: error });
    }
    return objectsIn(document.toJS() as PropertyValue);
  });
}

function objectsIn(document: PropertyValue | undefined): PropertyValue[] {
  if (document === undefined || !isMap(document)) {
    return [];
  }
  const { kind, items } = document;
  const isList = typeof kind === "string" && kind.endsWith("List") && Array.isArray(items);
  return isList ? items.flatMap((item) => objectsIn(item)) : [document];
}
