/** What a program or shared library needs of others in order to be loaded. */
export interface ElfNeeds {
  /** Absolute path of the dynamic loader; only programs have one. */
  readonly interpreter?: string;
  /** Names of shared libraries, as in `libz.so.1`. */
  readonly libraries: readonly string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/**
 * Reads a 64-bit little-endian ELF file (amd64, arm64).
 *
 * @returns undefined where the bytes are no such file
 */
export function elfNeeds(file: Buffer): ElfNeeds | undefined {
  if (file.length < 64 || file.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return undefined;
  const segments = readSegments(file);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    ...(interpreter && { interpreter: stringAt(file, interpreter.offset) }),
    libraries: neededLibraries(file, segments),
  };
}

function readSegments(file: Buffer): Segment[] {
  const start = Number(file.readBigUInt64LE(32));
  const entrySize = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * entrySize;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}

function neededLibraries(file: Buffer, segments: readonly Segment[]): string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const tags = Array.from({ length: Math.floor(dynamic.size / 16) }, (_, index) => {
    const at = dynamic.offset + index * 16;
    return { tag: file.readBigUInt64LE(at), value: file.readBigUInt64LE(at + 8) };
  });
  const table = tags.find(({ tag }) => tag === DT_STRTAB)?.value;
  const strings = table === undefined ? undefined : fileOffset(segments, table);
  if (strings === undefined) return [];
  return tags
    .filter(({ tag }) => tag === DT_NEEDED)
    .map(({ value }) => stringAt(file, strings + Number(value)));
}

/** The dynamic section gives addresses in memory; the loaded segments say where they are in the file. */
function fileOffset(segments: readonly Segment[], address: bigint): number | undefined {
  const home = segments.find(
    (segment) =>
      segment.type === PT_LOAD &&
      address >= segment.address &&
      address < segment.address + BigInt(segment.size),
  );
  return home && home.offset + Number(address - home.address);
}

function stringAt(file: Buffer, offset: number): string {
  return file.toString("latin1", offset, file.indexOf(0, offset));
}
