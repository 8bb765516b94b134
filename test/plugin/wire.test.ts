import * as pb from "@pulumi/pulumi/proto/provider_pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkRequest, diffRequest } from "../../toolchain/plugin/messages";
import { fromStruct, toStruct, type PropertyMap } from "../../toolchain/plugin/values";
import { WireMessage } from "../../toolchain/plugin/wire";
import { anyValue } from "./support/any-value";

const anyText = fc.string({ unit: "grapheme" });
const anyMap = anyValue.map((value): PropertyMap => ({ value, "": "no key" }));
const { Mode } = pb.CheckRequest.AutonamingOptions;

/** Against what the generated code of the SDK writes and reads. */
describe("a request off the wire", () => {
  it("of Check is what the generated code reads", () => {
    const parts = {
      urn: anyText,
      olds: fc.option(anyMap),
      news: anyMap,
      seed: fc.uint8Array(),
      name: fc.option(anyText),
      mode: fc.constantFrom(Mode.PROPOSE, Mode.ENFORCE, Mode.DISABLE),
    };
    fc.assert(
      fc.property(fc.record(parts), ({ urn, olds, news, seed, name, mode }) => {
        const request = new pb.CheckRequest();
        request.setUrn(urn);
        if (olds !== null) request.setOlds(toStruct(olds));
        request.setNews(toStruct(news));
        request.setRandomseed(seed);
        request.setName("of newer engines");
        if (name !== null) {
          const options = new pb.CheckRequest.AutonamingOptions();
          options.setProposedName(name);
          options.setMode(mode);
          request.setAutonaming(options);
        }
        const bytes = request.serializeBinary();
        const there = pb.CheckRequest.deserializeBinary(bytes);
        const { autonaming, ...read } = checkRequest(new WireMessage(bytes));
        expect(read).toMatchObject({
          urn: there.getUrn(),
          olds: fromStruct(there.getOlds()),
          news: fromStruct(there.getNews()),
        });
        expect(Buffer.from(read.randomSeed)).toEqual(Buffer.from(there.getRandomseed_asU8()));
        expect(autonaming?.proposedName).toBe(there.getAutonaming()?.getProposedName());
        const modes = { propose: Mode.PROPOSE, enforce: Mode.ENFORCE, disable: Mode.DISABLE };
        expect(autonaming && modes[autonaming.mode]).toBe(there.getAutonaming()?.getMode());
      }),
    );
  });

  it("of Diff is what the generated code reads", () => {
    const parts = {
      texts: fc.tuple(anyText, anyText),
      maps: fc.tuple(fc.option(anyMap), fc.option(anyMap), anyMap),
      ignored: fc.array(anyText),
    };
    fc.assert(
      fc.property(fc.record(parts), ({ texts: [id, urn], maps, ignored }) => {
        const [oldInputs, oldOutputs, news] = maps;
        const request = new pb.DiffRequest();
        request.setId(id);
        request.setUrn(urn);
        if (oldInputs !== null) request.setOldInputs(toStruct(oldInputs));
        if (oldOutputs !== null) request.setOlds(toStruct(oldOutputs));
        request.setNews(toStruct(news));
        request.setIgnorechangesList(ignored);
        const bytes = request.serializeBinary();
        const there = pb.DiffRequest.deserializeBinary(bytes);
        expect(diffRequest(new WireMessage(bytes))).toMatchObject({
          id: there.getId(),
          urn: there.getUrn(),
          oldInputs: fromStruct(there.getOldInputs()),
          oldOutputs: fromStruct(there.getOlds()),
          news: fromStruct(there.getNews()),
          ignoreChanges: there.getIgnorechangesList(),
        });
      }),
    );
  });

  it("lets no key change a prototype", () => {
    const map = { object: Object.fromEntries([["__proto__", { polluted: true }]]) } as PropertyMap;
    const request = new pb.DiffRequest();
    request.setNews(toStruct(map));
    const { news } = diffRequest(new WireMessage(request.serializeBinary()));
    expect(Object.getPrototypeOf(news.object)).toBe(Object.prototype);
    expect(news.object).not.toHaveProperty("polluted");
  });

  it("skips fields that are not known", () => {
    const configure = new pb.ConfigureRequest();
    configure.setAcceptsecrets(true); // Field 3, no length.
    configure.setUrn("urn"); // Field 8.
    const message = new WireMessage(configure.serializeBinary());
    expect([message.has(3), message.text(3), message.struct(2)]).toEqual([false, "", {}]);
  });
});
