import { BinaryReader } from "google-protobuf";

import { fromEnvelope, fromText, type PropertyMap, type PropertyValue } from "./values";

// Check and Diff are called for each resource of each preview, and most of what they get is structs. The
// generated code makes four objects of each value in them, whether anybody looks at it or not.

/** A protobuf message whose fields are read when they are asked for: texts, bytes and messages. */
export class WireMessage {
  private readonly fields = new Map<number, Uint8Array[]>();

  constructor(bytes: Uint8Array) {
    const reader = new BinaryReader(bytes);
    while (reader.nextField()) {
      if (!reader.isDelimited()) {
        reader.skipField();
        continue;
      }
      const field = reader.getFieldNumber();
      const value = reader.readBytes();
      const present = this.fields.get(field);
      if (present === undefined) this.fields.set(field, [value]);
      else present.push(value);
    }
  }

  has(field: number): boolean {
    return this.fields.has(field);
  }

  /** Empty where the field is absent, as in proto3; the last of several. */
  bytes(field: number): Uint8Array {
    return this.fields.get(field)?.at(-1) ?? new Uint8Array();
  }

  text(field: number): string {
    return decoder.decode(this.bytes(field));
  }

  texts(field: number): string[] {
    return (this.fields.get(field) ?? []).map((bytes) => decoder.decode(bytes));
  }

  /** A `google.protobuf.Struct`. */
  struct(field: number): PropertyMap {
    const entries: Entry[] = [];
    fillStruct(entries, new BinaryReader(this.bytes(field)));
    return structOf(entries);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// Numbers of fields in google/protobuf/struct.proto; a map is a list of entries on the wire.
const STRUCT_FIELDS = 1;
const LIST_VALUES = 1;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE = { number: 2, text: 3, bool: 4, struct: 5, list: 6 } as const;

type Entry = [key: string, value: PropertyValue];
type Fill<T> = (target: T, reader: BinaryReader) => void;

/** Reads the field that stands next, which is a message, into `target`. */
function nested<T>(reader: BinaryReader, target: T, fill: Fill<T>): T {
  reader.readMessage(target, fill);
  return target;
}

function structOf(entries: readonly Entry[]): PropertyMap {
  // fromEntries defines own properties: no key can set a prototype.
  return Object.fromEntries(entries);
}

const fillStruct: Fill<Entry[]> = (entries, reader) => {
  while (reader.nextField()) {
    if (reader.getFieldNumber() === STRUCT_FIELDS)
      entries.push(nested(reader, ["", null], fillEntry));
    else reader.skipField();
  }
};

const fillEntry: Fill<Entry> = (entry, reader) => {
  while (reader.nextField()) {
    const field = reader.getFieldNumber();
    if (field === ENTRY.key) entry[0] = reader.readString();
    else if (field === ENTRY.value) entry[1] = readValue(reader);
    else reader.skipField();
  }
};

const fillList: Fill<PropertyValue[]> = (items, reader) => {
  while (reader.nextField()) {
    if (reader.getFieldNumber() === LIST_VALUES) items.push(readValue(reader));
    else reader.skipField();
  }
};

const fillValue: Fill<{ value: PropertyValue }> = (target, reader) => {
  while (reader.nextField()) {
    switch (reader.getFieldNumber()) {
      case VALUE.number:
        target.value = reader.readDouble();
        break;
      case VALUE.text:
        target.value = fromText(reader.readString());
        break;
      case VALUE.bool:
        target.value = reader.readBool();
        break;
      case VALUE.struct:
        target.value = fromEnvelope(structOf(nested(reader, [], fillStruct)));
        break;
      case VALUE.list:
        target.value = nested(reader, [], fillList);
        break;
      default: // Null, which it is already.
        reader.skipField();
    }
  }
};

const readValue = (reader: BinaryReader): PropertyValue =>
  nested<{ value: PropertyValue }>(reader, { value: null }, fillValue).value;
