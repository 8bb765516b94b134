import {
  ComponentType,
  ExternalReferenceType,
  HashAlgorithm,
  LicenseAcknowledgement,
} from "@cyclonedx/cyclonedx-library/Enums";
import {
  Bom,
  Component,
  ComponentRepository,
  ExternalReference,
  ExternalReferenceRepository,
  HashDictionary,
  type License,
  LicenseExpression,
  LicenseRepository,
  Metadata,
  NamedLicense,
  OrganizationalEntity,
  Property,
  PropertyRepository,
  SpdxLicense,
  Tools,
} from "@cyclonedx/cyclonedx-library/Models";
import { JSON as CycloneJson, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { isSupportedSpdxId } from "@cyclonedx/cyclonedx-library/SPDX";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import { PackageURL } from "packageurl-js";

import { digestOf } from "../canonical";
import { type ImageContents, rootFilesystem } from "../contents";
import type { ImageRecipe } from "../recipe";
import type { TarEntry } from "../tar";
import { type Distribution, distributionOf, type SystemPackage, systemPackages } from "./packages";

export const SBOM_MEDIA_TYPE = "application/vnd.cyclonedx+json";

export interface Sbom {
  /** CycloneDX 1.6, JSON. */
  readonly text: string;
  readonly packages: number;
  readonly files: number;
}

/**
 * What is in an image: every package of a distribution, and every file that the recipe has put there.
 * It goes by the image's content alone, so that equal images have equal texts: no date, and a serial
 * number made of the digest.
 */
export function describeContents(recipe: ImageRecipe, image: ImageContents): Sbom {
  const all = rootFilesystem(image.layers);
  const distribution = distributionOf(all);
  const packages = systemPackages(all).map((one) => packageComponent(one, distribution));
  const own = rootFilesystem(image.layers.slice(image.layers.length - recipe.layers.length));
  const files = [...own.values()].flatMap(fileComponent);

  const container = containerComponent(recipe, image);
  const bom = new Bom({
    serialNumber: serialNumber(image.manifest.digest),
    metadata: new Metadata({
      component: container,
      tools: new Tools({
        components: new ComponentRepository([new Component(ComponentType.Application, "drydock")]),
      }),
    }),
  });
  for (const component of [...packages, ...files]) {
    bom.components.add(component);
    container.dependencies.add(component.bomRef);
  }
  const serializer = new JsonSerializer(new CycloneJson.Normalize.Factory(Spec1dot6));
  const text = `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
  return { text, packages: packages.length, files: files.length };
}

function containerComponent(recipe: ImageRecipe, image: ImageContents): Component {
  const { digest } = image.manifest;
  const purl = purlOf("oci", "", recipe.name.split("/").at(-1) ?? recipe.name, digest, {
    arch: image.architecture,
  });
  const labels = Object.entries(image.runtime.Labels ?? {});
  return new Component(ComponentType.Container, recipe.name, {
    bomRef: purl,
    purl,
    version: digest,
    description: recipe.description,
    hashes: sha256(digest.slice("sha256:".length)),
    properties: new PropertyRepository(
      labels.map(([name, value]) => new Property(`drydock:image:label:${name}`, value)),
    ),
  });
}

function packageComponent(one: SystemPackage, distribution: Distribution): Component {
  const { type, name, version, architecture, homepage, maintainer } = one;
  const qualifiers = { arch: architecture, distro: distribution.release };
  const purl = purlOf(type, distribution.id, name, version, qualifiers);
  return new Component(ComponentType.Library, name, {
    bomRef: purl,
    purl,
    version,
    licenses: new LicenseRepository(one.licenses.map(licenseOf)),
    ...(one.sha256 !== undefined && { hashes: sha256(one.sha256) }),
    ...(maintainer !== undefined && { supplier: new OrganizationalEntity({ name: maintainer }) }),
    ...(homepage !== undefined && {
      externalReferences: new ExternalReferenceRepository([
        new ExternalReference(homepage, ExternalReferenceType.Website),
      ]),
    }),
  });
}

function fileComponent(entry: TarEntry): Component[] {
  if (entry.kind !== "file") return [];
  const hashes = sha256(digestOf(entry.data).slice("sha256:".length));
  const path = `/${entry.path}`;
  return [new Component(ComponentType.File, path, { bomRef: `file:${path}`, hashes })];
}

/** Licences are what the distribution declares; nobody has looked into the package's files. */
function licenseOf(name: string): License {
  const license = isSupportedSpdxId(name)
    ? new SpdxLicense(name)
    : isExpression(name)
      ? new LicenseExpression(name)
      : new NamedLicense(name);
  license.acknowledgement = LicenseAcknowledgement.Declared;
  return license;
}

/** As `MIT AND (Apache-2.0 OR GPL-2.0-only WITH Classpath-exception-2.0)`, by identifiers that SPDX has. */
function isExpression(text: string): boolean {
  const identifiers = text.replace(/ WITH \S+?(?=\)|\s|$)/g, "").split(/ AND | OR |[()\s]+/);
  return identifiers.filter((one) => one !== "").every(isSupportedSpdxId);
}

function purlOf(
  type: string,
  namespace: string,
  name: string,
  version: string,
  qualifiers: Record<string, string>,
): string {
  return new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
}

function sha256(hex: string): HashDictionary {
  return new HashDictionary([[HashAlgorithm["SHA-256"], hex]]);
}

/** A UUID of version 8: the one for numbers made in ways of one's own (RFC 9562). */
function serialNumber(digest: string): string {
  const hex = digest.slice("sha256:".length);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return `urn:uuid:${[...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-")}`;
}
