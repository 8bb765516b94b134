// A pack with one policy that says nothing: what the engine takes to ask any pack at all.
import { PolicyPack } from "@pulumi/policy";

/** The SDK reads the pack's version from package.json in the current folder. */
process.chdir(__dirname);
process.stdin.on("end", () => process.exit(0)).resume();

new PolicyPack("empty", {
  policies: [
    { name: "says-nothing", description: "Says nothing.", validateResource: () => undefined },
  ],
});
