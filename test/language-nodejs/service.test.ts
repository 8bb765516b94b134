import { readFileSync } from "node:fs";

import { credentials, Server, type ServiceError, status } from "@grpc/grpc-js";
import {
  LanguageRuntimeClient,
  LanguageRuntimeService,
} from "@pulumi/pulumi/proto/language_grpc_pb";
import {
  AboutRequest,
  type AboutResponse,
  GetProgramDependenciesRequest,
  type GetProgramDependenciesResponse,
  GetRequiredPackagesRequest,
  type GetRequiredPackagesResponse,
  GetRequiredPluginsRequest,
  type GetRequiredPluginsResponse,
  ProgramInfo,
  RunRequest,
  RuntimeOptionsRequest,
} from "@pulumi/pulumi/proto/language_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { afterAll, beforeAll, expect, test } from "vitest";

import { listen } from "../../toolchain/language-nodejs/channel";
import { Children } from "../../toolchain/language-nodejs/process";
import { languageRuntime } from "../../toolchain/language-nodejs/service";

const server = new Server();
let client: LanguageRuntimeClient;

beforeAll(async () => {
  const host = languageRuntime({ engineAddress: undefined, tracing: undefined }, new Children());
  server.addService(LanguageRuntimeService, host);
  client = new LanguageRuntimeClient(
    `127.0.0.1:${await listen(server)}`,
    credentials.createInsecure(),
  );
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

type Callback<Response> = (error: ServiceError | null, response: Response) => void;

const call = <Response>(start: (callback: Callback<Response>) => unknown): Promise<Response> =>
  new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });

/** This project itself. */
const info = new ProgramInfo()
  .setRootDirectory(process.cwd())
  .setProgramDirectory(process.cwd())
  .setEntryPoint(".")
  .setOptions(Struct.fromJavaScript({ typescript: false }));

test("the version is that of the SDK whose protocol is spoken", async () => {
  const response = await call<PluginInfo>((done) => client.getPluginInfo(new Empty(), done));
  expect(response.getVersion()).toMatch(/^3\.\d+\.\d+\+drydock$/);
});

test("older engines are given the same plugins as newer ones", async () => {
  const packages = await call<GetRequiredPackagesResponse>((done) =>
    client.getRequiredPackages(new GetRequiredPackagesRequest().setInfo(info), done),
  );
  const plugins = await call<GetRequiredPluginsResponse>((done) =>
    client.getRequiredPlugins(new GetRequiredPluginsRequest().setInfo(info), done),
  );
  const expected = ["aws", "eks", "kubernetes"].map((name) => {
    const { version } = JSON.parse(
      readFileSync(`node_modules/@pulumi/${name}/package.json`, "utf8"),
    ) as { version: string };
    return expect.objectContaining({ name, kind: "resource", version: `v${version}` }) as unknown;
  });
  expect(packages.toObject().packagesList).toEqual(expected);
  expect(plugins.toObject().pluginsList).toEqual(expected);
});

test("about names node, the package manager and TypeScript, with versions", async () => {
  const response = await call<AboutResponse>((done) =>
    client.about(new AboutRequest().setInfo(info), done),
  );
  expect(response.getExecutable()).toBe(process.execPath);
  expect(response.getVersion()).toBe(process.version);
  expect(Object.fromEntries(response.getMetadataMap().toArray())).toEqual({
    packagemanager: "npm",
    packagemanagerVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    typescriptVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
});

test("dependencies are the direct ones, or all", async () => {
  const names = async (transitive: boolean) => {
    const request = new GetProgramDependenciesRequest()
      .setInfo(info)
      .setTransitivedependencies(transitive);
    const response = await call<GetProgramDependenciesResponse>((done) =>
      client.getProgramDependencies(request, done),
    );
    return response.getDependenciesList().map((dependency) => dependency.getName());
  };
  const direct = await names(false);
  expect(direct).toContain("@pulumi/pulumi");
  expect(direct).not.toContain("minimist");
  expect(await names(true)).toEqual(expect.arrayContaining([...direct, "minimist"]));
});

test("what is not served is unimplemented", async () => {
  const answer = call((done) => client.runtimeOptionsPrompts(new RuntimeOptionsRequest(), done));
  await expect(answer).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
});

test("a debugger is refused with what to do instead", async () => {
  const request = new RunRequest().setInfo(info).setAttachDebugger(true);
  await expect(call((done) => client.run(request, done))).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: expect.stringContaining("set the runtime option") as string,
  });
});

test("a request of an engine that is too old is refused by name", async () => {
  const answer = call((done) => client.about(new AboutRequest(), done));
  await expect(answer).rejects.toMatchObject({
    details: expect.stringContaining("the engine sent no program information") as string,
  });
});
