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

const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** A certificate authority of the cluster: the one that kwokctl made, or one beside it. */
export class CertificateAuthority {
  private constructor(
    private readonly certificate: X509Certificate,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  /** @param folder holds ca.crt and ca.key (RSA, PKCS #1 or PKCS #8). */
  static async load(folder: string): Promise<CertificateAuthority> {
    const key = createPrivateKey(readFileSync(`${folder}/ca.key`, "utf8"));
    const pkcs8 = key.export({ type: "pkcs8", format: "der" });
    const imported = await crypto.subtle.importKey("pkcs8", pkcs8, SIGNING, false, ["sign"]);
    return new CertificateAuthority(
      new X509Certificate(readFileSync(`${folder}/ca.crt`, "utf8")),
      imported,
    );
  }

  /** Makes another one. Writes ca.crt and ca.key (mode 0600) into the folder: RSA, 2048 bits. */
  static async create(folder: string, commonName: string): Promise<CertificateAuthority> {
    const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
    const usages = ["sign", "verify"] as const;
    const keys = await crypto.subtle.generateKey({ ...SIGNING, ...size }, true, usages);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [commonName] }],
      ...validity(),
      signingAlgorithm: SIGNING,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    writeFileSync(`${folder}/ca.key`, PemConverter.encode(key, "PRIVATE KEY"), { mode: 0o600 });
    writeFileSync(`${folder}/ca.crt`, certificate.toString("pem"));
    return new CertificateAuthority(certificate, keys.privateKey);
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
      ...validity(),
      signingKey: this.key,
      signingAlgorithm: SIGNING,
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

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  // A clock that is a little behind must not refuse it.
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + VALIDITY_MS) };
}
