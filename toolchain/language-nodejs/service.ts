import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb";
import {
  DependencyInfo,
  GetProgramDependenciesResponse,
  GetRequiredPackagesResponse,
  GetRequiredPluginsResponse,
  InstallDependenciesResponse,
  LanguageHandshakeResponse,
} from "@pulumi/pulumi/proto/language_pb";
import { PluginDependency, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { version } from "@pulumi/pulumi/version";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import { about } from "./about";
import { LanguageHostError, messageOf } from "./errors";
import { installDependencies } from "./install";
import { type Program, programFrom } from "./options";
import { installedPackages, requiredPackages } from "./packages";
import type { Children } from "./process";
import { run } from "./run";
import { runPlugin } from "./run-plugin";

export interface HostArguments {
  /** host:port of the engine; undefined until Handshake when the engine attaches to a running host. */
  readonly engineAddress: string | undefined;
  readonly tracing: string | undefined;
}

/**
 * The RPCs of the language runtime. Those that are not here answer Unimplemented, which the engine
 * takes for an older host (RuntimeOptionsPrompts, Template) or reports (GeneratePackage, Link, Pack).
 */
export function languageRuntime(
  args: HostArguments,
  children: Children,
): UntypedServiceImplementation {
  let { engineAddress } = args;
  return {
    handshake: unary((request) => {
      engineAddress = request.getEngineAddress();
      return new LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(`${version}+drydock`)),
    getRequiredPackages: unary((request) =>
      new GetRequiredPackagesResponse().setPackagesList(
        requiredPackages(programFrom(request.getInfo())),
      ),
    ),
    getRequiredPlugins: unary((request) =>
      new GetRequiredPluginsResponse().setPluginsList(
        requiredPackages(programFrom(request.getInfo())).map((dependency) =>
          new PluginDependency()
            .setName(dependency.getName())
            .setKind(dependency.getKind())
            .setVersion(dependency.getVersion())
            .setServer(dependency.getServer()),
        ),
      ),
    ),
    run: unary((request, call) => {
      const cancelled = new AbortController();
      call.on("cancelled", () => cancelled.abort());
      return run(request, { address: engineAddress ?? "", ...args }, children, cancelled.signal);
    }),
    runPlugin: streaming((call) => runPlugin(call, children)),
    installDependencies: streaming((call) =>
      installDependencies(programFrom(call.request.getInfo()), children, {
        stdout: (data) => call.write(new InstallDependenciesResponse().setStdout(data)),
        stderr: (data) => call.write(new InstallDependenciesResponse().setStderr(data)),
      }),
    ),
    about: unary((request) => about(programFrom(request.getInfo()))),
    getProgramDependencies: unary((request) =>
      new GetProgramDependenciesResponse().setDependenciesList(
        dependencies(programFrom(request.getInfo()), request.getTransitivedependencies()),
      ),
    ),
    generateProgram: unary(() => {
      throw new LanguageHostError(
        "this language host generates no code; pulumi import has done its work all the same, " +
          "and does not ask for code with --generate-code=false",
      );
    }),
    cancel: unary(() => {
      // Answered before the program has ended: the engine waits for Run, not for this.
      void children.cancel();
      return new Empty();
    }),
  } satisfies Partial<ILanguageRuntimeServer>;
}

function dependencies(program: Program, transitive: boolean): DependencyInfo[] {
  return installedPackages(program.directory)
    .filter(({ direct }) => direct || transitive)
    .map(({ manifest }) =>
      new DependencyInfo().setName(manifest.name ?? "").setVersion(manifest.version ?? ""),
    );
}

function unary<Request, Response>(
  handle: (
    request: Request,
    call: ServerUnaryCall<Request, Response>,
  ) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    attempt(() => handle(call.request, call)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(rpcError(error)),
    );
  };
}

function streaming<Request, Response>(
  handle: (call: ServerWritableStream<Request, Response>) => Promise<void>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    attempt(() => handle(call)).then(
      () => call.end(),
      (error: unknown) => call.emit("error", rpcError(error)),
    );
  };
}

/** A throw before the first await becomes a rejection too. */
async function attempt<T>(handle: () => T | Promise<T>): Promise<T> {
  return await handle();
}

/** The engine shows `details` to the user. */
function rpcError(error: unknown): { code: status; details: string } {
  const code = error instanceof LanguageHostError ? status.FAILED_PRECONDITION : status.INTERNAL;
  return { code, details: messageOf(error) };
}
