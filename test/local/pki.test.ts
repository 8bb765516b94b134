import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { credentialsOf } from "../../infra/local/runtime/api";
import { kubeconfig } from "../../infra/local/runtime/kubeconfig";
import { CertificateAuthority } from "../../infra/local/runtime/pki";
import { temporaryFolder } from "../toolchain/support";
import { writeAuthority } from "./support/authority";

async function issued(request: Parameters<CertificateAuthority["issue"]>[1]) {
  const folder = temporaryFolder();
  await writeAuthority(folder);
  const authority = await CertificateAuthority.load(folder);
  await authority.issue(join(folder, "some"), request);
  const read = (name: string) => new X509Certificate(readFileSync(join(folder, name)));
  return { folder, certificate: read("some.crt"), authority: read("ca.crt") };
}

const KUBELET = {
  commonName: "system:node:dev-node-1",
  organizations: ["system:nodes"],
  addresses: ["10.213.0.2"],
  names: ["dev-node-1"],
};

describe("a certificate of the cluster's authority", () => {
  it("names the Kubernetes user and its groups, and the server's addresses", async () => {
    const { certificate } = await issued(KUBELET);
    expect(certificate.subject).toBe("O=system:nodes\nCN=system:node:dev-node-1");
    expect(certificate.subjectAltName).toBe("DNS:dev-node-1, IP Address:10.213.0.2");
    expect(certificate.checkIP("10.213.0.2")).toBe("10.213.0.2");
    expect(certificate.ca).toBe(false);
  });

  it("is signed by the authority, for client and server use, with a serial number of its own", async () => {
    const { certificate, authority } = await issued(KUBELET);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
    const { certificate: another } = await issued(KUBELET);
    expect(another.serialNumber).not.toBe(certificate.serialNumber);
    expect(another.verify(authority.publicKey)).toBe(false);
  });

  it("holds already on a clock an hour behind, and for ten years", async () => {
    const { certificate } = await issued(KUBELET);
    const hours = (date: string) => (Date.parse(date) - Date.now()) / 3_600_000;
    expect(hours(certificate.validFrom)).toBeLessThan(-0.9);
    expect(hours(certificate.validTo)).toBeGreaterThan(10 * 365 * 24 - 1);
  });

  it("has a key that fits it and that its owner alone can read", async () => {
    const { folder, certificate } = await issued({ commonName: "system:kube-proxy" });
    const key = createPrivateKey(readFileSync(join(folder, "some.key")));
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(certificate.subjectAltName).toBeUndefined();
    expect(statSync(join(folder, "some.key")).mode & 0o777).toBe(0o600);
  });

  it("comes from a key in PKCS #1 too, as kwokctl writes it", async () => {
    const folder = temporaryFolder();
    await writeAuthority(folder);
    const key = createPrivateKey(readFileSync(join(folder, "ca.key")));
    writeFileSync(join(folder, "ca.key"), key.export({ type: "pkcs1", format: "pem" }));
    const authority = await CertificateAuthority.load(folder);
    await authority.issue(join(folder, "some"), { commonName: "somebody" });
    const certificate = new X509Certificate(readFileSync(join(folder, "some.crt")));
    const issuer = new X509Certificate(readFileSync(join(folder, "ca.crt")));
    expect(certificate.verify(issuer.publicKey)).toBe(true);
  });
});

describe("a kubeconfig", () => {
  it("holds everything inline under the cluster's name, and is read back by the runtime", () => {
    const folder = temporaryFolder();
    const file = (name: string) => {
      writeFileSync(join(folder, name), `-- ${name} --\n`);
      return join(folder, name);
    };
    const text = kubeconfig({
      cluster: "dev",
      server: "https://10.213.0.2:6443",
      authority: file("ca.crt"),
      certificate: file("admin.crt"),
      key: file("admin.key"),
    });
    expect(text).not.toContain(folder);
    expect(JSON.parse(text)).toMatchObject({
      apiVersion: "v1",
      kind: "Config",
      contexts: [{ name: "drydock-dev", context: { cluster: "drydock-dev", user: "drydock-dev" } }],
      "current-context": "drydock-dev",
    });
    writeFileSync(join(folder, "kubeconfig"), text);
    expect(credentialsOf(join(folder, "kubeconfig"))).toEqual({
      server: "https://10.213.0.2:6443",
      authority: "-- ca.crt --\n",
      certificate: "-- admin.crt --\n",
      key: "-- admin.key --\n",
    });
  });
});

describe("an authority of the cluster's own", () => {
  it("signs for itself, and is no other", async () => {
    const folder = temporaryFolder();
    const authority = await CertificateAuthority.create(folder, "front-proxy-ca");
    await authority.issue(join(folder, "client"), { commonName: "front-proxy-client" });
    const read = (name: string) => new X509Certificate(readFileSync(join(folder, name)));
    const [ca, client] = [read("ca.crt"), read("client.crt")];
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(client.verify(ca.publicKey)).toBe(true);
    expect(client.checkIssued(ca)).toBe(true);
    expect(statSync(join(folder, "ca.key")).mode & 0o777).toBe(0o600);
    const again = await CertificateAuthority.load(folder);
    await again.issue(join(folder, "second"), { commonName: "second" });
    expect(read("second.crt").verify(ca.publicKey)).toBe(true);
    const { certificate } = await issued(KUBELET);
    expect(certificate.verify(ca.publicKey)).toBe(false);
  });
});
