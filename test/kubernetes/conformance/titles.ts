import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";

/** One test as its source names it; `%s` and the like stand for what a table's row puts there. */
export interface TestTitle {
  readonly file: string;
  readonly matches: (title: string) => boolean;
}

/** Every test below a folder, `describe > it`, read from the source without running it. */
export function testTitles(folder: string): TestTitle[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts"))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
      return titlesIn(source, []).map((title) => ({ file, matches: matcher(title) }));
    });
}

function titlesIn(node: ts.Node, parents: readonly string[]): string[] {
  const call = ts.isCallExpression(node) ? node : undefined;
  const [title] = call?.arguments ?? [];
  const name = call === undefined ? "" : calledName(call.expression);
  if (title === undefined || !ts.isStringLiteralLike(title) || !/^(describe|it)$/.test(name)) {
    return childrenOf(node).flatMap((child) => titlesIn(child, parents));
  }
  const path = [...parents, title.text];
  return name === "it"
    ? [path.join(" > ")]
    : childrenOf(node).flatMap((child) => titlesIn(child, path));
}

/** `it` for `it(…)`, `it.each(…)(…)` and `it.skipIf(…)(…)`. */
function calledName(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) {
    return expression.text;
  }
  return ts.isCallExpression(expression) || ts.isPropertyAccessExpression(expression)
    ? calledName(expression.expression)
    : "";
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  return children;
}

function matcher(title: string): (candidate: string) => boolean {
  const literal = title
    .split(/%[sdifjoO]/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${literal.join(".+")}$`);
  return (candidate) => pattern.test(candidate);
}
