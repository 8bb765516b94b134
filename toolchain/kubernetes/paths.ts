/** A property path as its parts: keys of maps, indices of lists. */
export type Path = readonly (string | number)[];

/** `spec.ports[0].port`; a key with a character that has a meaning here is quoted. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") {
      text += `[${String(part)}]`;
    } else if (part === "" || /[.[\]"]/.test(part)) {
      text += `[${JSON.stringify(part)}]`;
    } else {
      text += text === "" ? part : `.${part}`;
    }
  }
  return text;
}

/** Reads what {@link formatPath} writes, and the API server's `spec.containers[0].image`. */
export function parsePath(text: string): Path {
  const parts: (string | number)[] = [];
  for (const match of text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)) {
    const [, quoted, index, bare, key] = match;
    if (index !== undefined) {
      parts.push(Number(index));
    } else {
      parts.push(quoted === undefined ? (bare ?? key ?? "") : unquote(quoted));
    }
  }
  return parts;
}

/** Whether one of the paths is the other, or lies below it. */
export function related(left: Path, right: Path): boolean {
  const length = Math.min(left.length, right.length);
  return left.slice(0, length).every((part, index) => part === right[index]);
}

function unquote(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
