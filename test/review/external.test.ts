import * as fs from "node:fs";
import * as path from "node:path";

import { beforeAll, describe, expect, it } from "vitest";

import { readRendering } from "../../review/files";
import { root } from "../../review/recording/stack-file";
import { acceptances, judge } from "../../scripts/external/findings";
import { plantedResources } from "../../scripts/external/planted";
import { policyStatements } from "../../scripts/external/policies";
import {
  type RenderedResource,
  renderedResources,
  terraform,
} from "../../scripts/external/terraform";

/** scripts/external/: what is pure of it. The scanners themselves run in `npm run check:external`. */
let prod: RenderedResource[];
beforeAll(() => {
  prod = renderedResources(readRendering("prod"));
});

const aws = (type: string, name: string, inputs: object): RenderedResource => ({
  type: `aws:${type}`,
  name,
  inputs: { ...inputs },
});
const KEY = "kms/key:Key";

describe("the translation to Terraform", () => {
  it("has a row for every type of prod", () => {
    const { addresses, untranslated } = terraform(prod);
    expect(untranslated).toEqual([]);
    expect(addresses.size).toBe(prod.filter(({ type }) => /^(?:aws|eks):/.test(type)).length);
    expect(addresses.size).toBeGreaterThan(100);
  });

  it("tells what it has no row for", () => {
    const { untranslated, text } = terraform([aws("x/y:Z", "z", {})]);
    expect(untranslated.map(({ name }) => name)).toEqual(["z"]);
    expect(text).toBe("");
  });

  it("leaves no placeholder of what it translates, and no JSON marker", () => {
    const { text } = terraform(prod);
    const left = [...text.matchAll(/<(\w+) [\w.-]+>/g)].map(([, kind]) => kind);
    expect(new Set(left)).toEqual(new Set());
    expect(text).not.toContain("$json");
  });

  it("makes blocks of blocks, maps of maps and references of placeholders", () => {
    const { text } = terraform([
      aws(KEY, "k", { enableKeyRotation: true }),
      aws("ec2/launchTemplate:LaunchTemplate", "t", {
        metadataOptions: { httpTokens: "required" },
        blockDeviceMappings: [{ ebs: { kmsKeyId: "<Key k.arn>" } }, { ebs: { volumeSize: 4 } }],
        tags: { "a/b": "c" },
      }),
      aws("ecr/repository:Repository", "r", {
        encryptionConfigurations: [{ kmsKey: "<Key k.arn>" }],
        name: "x-<Key k.keyId>-${y}",
      }),
    ]);
    expect(text).toBe(`resource "aws_kms_key" "k" {
  enable_key_rotation = true
}

resource "aws_launch_template" "t" {
  metadata_options {
    http_tokens = "required"
  }
  block_device_mappings {
    ebs {
      kms_key_id = aws_kms_key.k.arn
    }
  }
  block_device_mappings {
    ebs {
      volume_size = 4
    }
  }
  tags = { "a/b" = "c" }
}

resource "aws_ecr_repository" "r" {
  encryption_configuration {
    kms_key = aws_kms_key.k.arn
  }
  name = "x-\${aws_kms_key.k.key_id}-$\${y}"
}
`);
  });

  it("hands a policy over as its text", () => {
    const { text } = terraform([aws(KEY, "k", { policy: { $json: { Statement: [] } } })]);
    expect(text).toContain('policy = "{\\"Statement\\":[]}"');
  });

  it("makes of the component's cluster what it makes itself", () => {
    const { text } = terraform(prod);
    const [, cluster = ""] = /resource "aws_eks_cluster" "\S+" \{\n([\s\S]*?)\n\}/.exec(text) ?? [];
    expect(cluster).toContain('public_access_cidrs = ["203.0.113.0/24"]');
    expect(cluster).toContain("key_arn = aws_kms_key.cluster-secrets-key.arn");
    expect(cluster).toContain("role_arn = aws_iam_role.cluster-control-plane-role.arn");
  });
});

describe("the statements of policies", () => {
  it("are all of them, each a document", () => {
    const statements = policyStatements(prod);
    const inputs = JSON.stringify(prod.map((one) => one.inputs));
    expect(statements.length).toBe(inputs.split('"Effect":').length - 1);
    expect(statements.length).toBeGreaterThan(40);
    for (const { text } of statements) {
      expect(JSON.parse(text)).toMatchObject({ Version: "2012-10-17", Statement: [{}] });
      expect(text).not.toMatch(/<\w+ [\w-]+\.\w+>/);
    }
  });

  it("name the resource, and give a trust policy the role that it is about", () => {
    const trust = { Effect: "Allow", Sid: "Trust", Action: "sts:AssumeRole" };
    const role = aws("iam/role:Role", "r", { assumeRolePolicy: { $json: { Statement: [trust] } } });
    const [statement] = policyStatements([role]);
    expect(statement?.resource).toBe("Role r/Trust");
    expect(statement?.text).toContain(":role/role");
  });
});

describe("findings", () => {
  const finding = { scanner: "s", rule: "R1", resource: "Key k", message: "m" };

  it("are open until a comment beside the resource says why they may stay", () => {
    const text =
      "  // accepted R1 of Key k: because\n  // of this\n  // accepted R2 of Key k: gone\n";
    const accepted = acceptances("infra/a.ts", `${text}const a = 1;`);
    expect(accepted).toEqual([
      { rule: "R1", resource: "Key k", reason: "because of this", place: "infra/a.ts:1" },
      { rule: "R2", resource: "Key k", reason: "gone", place: "infra/a.ts:3" },
    ]);
    const other = { ...finding, resource: "Key other" };
    const { open, accepted: kept, unused } = judge([finding, other], accepted);
    expect(open).toEqual([other]);
    expect(kept.map(({ acceptance }) => acceptance.place)).toEqual(["infra/a.ts:1"]);
    expect(unused.map(({ rule }) => rule)).toEqual(["R2"]);
  });

  it("are accepted of every workload where a component declares them", () => {
    const accepted = acceptances("apps/a.ts", "// accepted R1 of every workload: because\n");
    const of = (resource: string) => ({ scanner: "s", rule: "R1", resource, message: "m" });
    const found = [of("Deployment a"), of("StatefulSet b"), of("Service c")];
    expect(judge(found, accepted).open).toEqual([of("Service c")]);
    expect(judge([of("Service c")], accepted).unused).toEqual(accepted);
  });

  it.each(["// accepted R1", "// accepted R1 of Key k:", "// accepted R1 of Key k:\nconst a = 1;"])(
    "are not accepted by %j",
    (text) => {
      expect(() => acceptances("a.ts", text)).toThrow('a.ts:1: write "// accepted RULE of');
    },
  );
});

describe("what is installed", () => {
  it("is pinned by version and hash", () => {
    const file = path.join(root, "scripts/external/requirements.txt");
    const packages = fs.readFileSync(file, "utf8").split(/\n(?=\S)/);
    expect(packages.filter((one) => /^(?:checkov|parliament)==/.test(one))).toHaveLength(2);
    const loose = packages.filter((one) => !/^[\w.[\]-]+==\S+ .*--hash=sha256:/s.test(one));
    expect(loose).toEqual([]);
  });

  it("is tried with something bad for each, which the translation carries over", () => {
    expect(terraform(plantedResources).text).toContain("enable_key_rotation = false");
    expect(
      policyStatements(plantedResources)
        .map(({ text }) => text)
        .join(),
    ).toContain("GetObjekt");
  });
});
