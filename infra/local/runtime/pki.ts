import "reflect-metadata";

import { createPrivateKey, type webcrypto } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Ten years, as kwokctl gives its own certificates: a dev cluster must not die of its age. */
const VALIDITY_MS = 10 * 365 * 24 * 3600 * 1000;

export interface CertificateRequest {
  /** The Kubernetes user, such as "system:node:dev-node-1". */
  readonly commonName: string;
  /** The user's Kubernetes groups. */
  readonly organizations?: readonly string[];
  /** For a server: the addresses and names it is reached by. */
  readonly addresses?: readonly string[];
  readonly names?: readonly string[];
}

/** The certificate authority that kwokctl made for the cluster. */
export class CertificateAuthority {
  private constructor(
    private readonly certificate: X509Certificate,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  /** @param folder holds ca.crt and ca.key (RSA, PKCS #1 or PKCS #8). */
  static async load(folder: string): Promise<CertificateAuthority> {
    const key = createPrivateKey(readFileSync(`${folder}/ca.key`, "utf8"));
    const pkcs8 = key.export({ type: "pkcs8", format: "der" });
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
    return new CertificateAuthority(
      new X509Certificate(readFileSync(`${folder}/ca.crt`, "utf8")),
      imported,
    );
  }

  /** Writes `<path>.crt` and `<path>.key` (mode 0600): ECDSA P-256, for client and server use. */
  async issue(path: string, request: CertificateRequest): Promise<void> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const alternatives = [
      ...(request.names ?? []).map((value) => ({ type: "dns" as const, value })),
      ...(request.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
    ];
    const organizations = (request.organizations ?? []).map((name) => ({ O: [name] }));
    const certificate = await X509CertificateGenerator.create({
      subject: [...organizations, { CN: [request.commonName] }],
      issuer: this.certificate.subject,
      // A clock that is a little behind must not refuse it.
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + VALIDITY_MS),
      signingKey: this.key,
      signingAlgorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
      publicKey: keys.publicKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
        ...(alternatives.length === 0 ? [] : [new SubjectAlternativeNameExtension(alternatives)]),
      ],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    writeFileSync(`${path}.key`, PemConverter.encode(key, "PRIVATE KEY"), { mode: 0o600 });
    writeFileSync(`${path}.crt`, certificate.toString("pem"));
  }
}
