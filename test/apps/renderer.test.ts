import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { markdownToHtml, page } from "../../apps/renderer/image/markdown.mjs";
import { renderer } from "../../apps/renderer/image/server.mjs";
import { ask, listening } from "./support/listening";

describe("Markdown", () => {
  it.each([
    ["# One\n## Two", "<h1>One</h1>\n<h2>Two</h2>"],
    ["a\nb\n\nc", "<p>a\nb</p>\n<p>c</p>"],
    ["- a\n- b\n1. c", "<ul><li>a</li><li>b</li></ul>\n<ol><li>c</li></ol>"],
    ["> said\n> he", "<blockquote>said\nhe</blockquote>"],
    ["```js\na < b\n\nc\n```\nd", "<pre><code>a &lt; b\n\nc</code></pre>\n<p>d</p>"],
    ["```\nopen", "<pre><code>open</code></pre>"],
    ["---", "<hr>"],
    ["**b** *i* `c<d`", "<p><strong>b</strong> <em>i</em> <code>c&lt;d</code></p>"],
    [
      "[x](https://example.com/?a=1&b=2)",
      '<p><a href="https://example.com/?a=1&amp;b=2" rel="noopener">x</a></p>',
    ],
    ["[x](javascript:alert)", "<p>[x](javascript:alert)</p>"],
    ["2 * 3 * 4", "<p>2 <em> 3 </em> 4</p>"],
    ["", ""],
  ])("%j is %j", (markdown, html) => {
    expect(markdownToHtml(markdown)).toBe(html);
  });

  it("lets no element of the text through", () => {
    const allowed =
      /<\/?(?:h[1-6]|p|ul|ol|li|blockquote|pre|code|strong|em|hr)>|<a href="[^"<>]*" rel="noopener">|<\/a>/g;
    const parts = fc.constantFrom(
      "<script>",
      '"',
      "'",
      "&",
      "**",
      "*",
      "`",
      "[x](",
      ")",
      "\n",
      "- ",
      "# ",
      "a",
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 60 }), (texts) => {
        const rest = markdownToHtml(texts.join("")).replace(allowed, "");
        expect(rest).not.toMatch(/[<>]/);
      }),
    );
  });

  it.each(["[", "*", "`", "[](", "> ", "**a"])("takes a file full of %j in its stride", (text) => {
    const start = performance.now();
    markdownToHtml(text.repeat((256 * 1024) / text.length));
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  it("is a page with the first heading as its title", () => {
    const html = page("text\n\n## A & B", "pod-1");
    expect(html).toContain("<title>A &amp; B</title>");
    expect(html).toContain("<footer>rendered by pod-1</footer>");
  });
});

describe("the renderer", () => {
  it("answers a text with its page, and says which pod did it", async () => {
    const url = await listening(renderer());
    const { status, text, headers } = await ask(`${url}/render`, { method: "POST", body: "# Hi" });
    expect(status).toBe(200);
    expect(text).toContain("<h1>Hi</h1>");
    expect(headers.get("x-rendered-by")).toMatch(/\S/);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("connection")).toBe("close");
    expect((await ask(`${url}/healthz`)).text).toBe("ok\n");
  });

  it.each([
    ["/other", "POST", "", 404, "There is POST /render, and nothing else."],
    ["/render", "GET", undefined, 405, "Send the text by POST."],
    ["/render", "POST", new Uint8Array([0xff, 0xfe]), 415, "The body is not text in UTF-8."],
    ["/render", "POST", "x".repeat(256 * 1024 + 1), 413, "The body has more than 262144 bytes."],
  ])("refuses %s by %s", async (path, method, body, status, error) => {
    const url = await listening(renderer());
    const answer = await ask(`${url}${path}`, { method, ...(body !== undefined && { body }) });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([status, { error }]);
  });
});
