// Markdown as people write it by hand: headings, paragraphs, lists, quotes, code, rules, emphasis, links.
// All other text is text: HTML in it is shown, never obeyed.

/** Nothing inline is longer than 200: it bounds the work on a line that opens much and closes nothing. */
const INLINE =
  /`([^`\n]{1,200})`|\*\*([^*\n]{1,200})\*\*|\*([^*\n]{1,200})\*|\[([^\]\n]{1,200})\]\(([^()\s]{1,200})\)/g;
const SAFE_LINK = /^(?:https?:\/\/|mailto:|[/#]|[\w.-]+$)/i;

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** @param {string} text */
export function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (one) => ESCAPES[/** @type {keyof typeof ESCAPES} */ (one)]);
}

/** @param {string} text */
function inline(text) {
  let html = "";
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, emphasis, label, link] = match;
    html += escapeHtml(text.slice(end, match.index));
    end = match.index + whole.length;
    if (code !== undefined) html += `<code>${escapeHtml(code)}</code>`;
    else if (strong !== undefined) html += `<strong>${escapeHtml(strong)}</strong>`;
    else if (emphasis !== undefined) html += `<em>${escapeHtml(emphasis)}</em>`;
    else if (label !== undefined && link !== undefined && SAFE_LINK.test(link)) {
      html += `<a href="${escapeHtml(link)}" rel="noopener">${escapeHtml(label)}</a>`;
    } else html += escapeHtml(whole);
  }
  return html + escapeHtml(text.slice(end));
}

/** @typedef {"text" | "bullet" | "number" | "quote"} Kind */

/**
 * What a line is by its beginning.
 * @param {string} line
 * @returns {{ kind: Kind, text: string }}
 */
function lineOf(line) {
  const bullet = /^[-*+] +(.*)$/.exec(line)?.[1];
  if (bullet !== undefined) return { kind: "bullet", text: bullet };
  const number = /^\d{1,9}[.)] +(.*)$/.exec(line)?.[1];
  if (number !== undefined) return { kind: "number", text: number };
  const quote = /^> ?(.*)$/.exec(line)?.[1];
  if (quote !== undefined) return { kind: "quote", text: quote };
  return { kind: "text", text: line };
}

/**
 * Neighbouring lines of one kind, as one element.
 * @param {Kind} kind
 * @param {readonly string[]} lines
 */
function block(kind, lines) {
  const items = () => lines.map((line) => `<li>${inline(line)}</li>`).join("");
  switch (kind) {
    case "bullet":
      return `<ul>${items()}</ul>`;
    case "number":
      return `<ol>${items()}</ol>`;
    case "quote":
      return `<blockquote>${inline(lines.join("\n"))}</blockquote>`;
    case "text":
      return `<p>${inline(lines.join("\n"))}</p>`;
  }
}

/**
 * @param {string} markdown
 * @returns {string} HTML elements, one a line
 */
export function markdownToHtml(markdown) {
  /** @type {string[]} */
  const html = [];
  /** @type {{ kind: Kind, lines: string[] } | undefined} */
  let open;
  const close = () => {
    if (open !== undefined) html.push(block(open.kind, open.lines));
    open = undefined;
  };
  const lines = markdown.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const heading = /^(#{1,6}) +(.*)$/.exec(line);
    if (line.startsWith("```")) {
      close();
      const from = index + 1;
      while (index + 1 < lines.length && lines[index + 1] !== "```") index += 1;
      html.push(`<pre><code>${escapeHtml(lines.slice(from, index + 1).join("\n"))}</code></pre>`);
      index += 1;
    } else if (heading?.[1] !== undefined) {
      close();
      const level = heading[1].length;
      html.push(`<h${level}>${inline(heading[2] ?? "")}</h${level}>`);
    } else if (/^(?:-{3,}|\*{3,})$/.test(line)) {
      close();
      html.push("<hr>");
    } else if (line.trim() === "") {
      close();
    } else {
      const { kind, text } = lineOf(line);
      if (open?.kind !== kind) close();
      open ??= { kind, lines: [] };
      open.lines.push(text);
    }
  }
  close();
  return html.join("\n");
}

/**
 * A whole page.
 * @param {string} markdown
 * @param {string} renderer who made it
 */
export function page(markdown, renderer) {
  const title = /^#{1,6} +(.*)$/m.exec(markdown)?.[1] ?? "Untitled";
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body>
${markdownToHtml(markdown)}
<footer>rendered by ${escapeHtml(renderer)}</footer>
</body>
</html>
`;
}
