import { describe, expect, it } from "vitest";

import { ApiError, unlessGone } from "../../infra/local/runtime/api";
import { type Answer, serveApi } from "./support/api-server";

/** What an API server says whose cache of a kind is not filled yet. */
const INITIALIZING = [429, { message: "storage is (re)initializing" }] as const;

/** A server that gives the answers one after the other. */
const serve = (...answers: Answer[]) => serveApi(() => answers.shift() ?? [500, {}]);

describe("a call of the runtime to the API server", () => {
  it("is made again where the server puts it off, which has only just started", async () => {
    const made = [200, { metadata: { name: "web" } }] as const;
    const { api, asked } = await serve(INITIALIZING, INITIALIZING, made);
    const node = await api.call("POST", "/api/v1/nodes", { metadata: { name: "web" } });
    expect(node.metadata.name).toBe("web");
    expect(asked).toEqual(Array(3).fill("POST /api/v1/nodes"));
  });

  it("fails at once with what any other answer says", async () => {
    const { api, asked } = await serve([409, { message: "it exists" }]);
    const refused = api.call("POST", "/api/v1/nodes", {});
    await expect(refused).rejects.toEqual(new ApiError(409, "it exists"));
    expect(asked).toHaveLength(1);
  });

  it("may find that the object is gone, and nothing else", async () => {
    const { api } = await serve([404, { message: "not found" }], [403, { message: "no right" }]);
    const remove = () => unlessGone(api.call("DELETE", "/api/v1/nodes/web"));
    expect(await remove()).toBeUndefined();
    await expect(remove()).rejects.toEqual(new ApiError(403, "no right"));
  });
});
