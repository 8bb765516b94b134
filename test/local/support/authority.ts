import "reflect-metadata";

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** Writes ca.crt and ca.key into a folder: RSA and self-signed, as kwokctl makes them. */
export async function writeAuthority(folder: string): Promise<void> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=kwok-ca",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  writeFileSync(join(folder, "ca.key"), PemConverter.encode(key, "PRIVATE KEY"), { mode: 0o600 });
  writeFileSync(join(folder, "ca.crt"), certificate.toString("pem"));
}
