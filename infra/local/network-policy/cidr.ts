import { isIPv4 } from "node:net";

/** A range of IPv4 addresses, both ends included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** @returns undefined for what is no IPv4 range, such as one of IPv6 */
export function parseCidr(cidr: string): AddressRange | undefined {
  const [address = "", length = "", ...rest] = cidr.split("/");
  if (rest.length > 0 || !/^\d{1,2}$/.test(length) || Number(length) > 32) {
    return undefined;
  }
  const number = parseAddress(address);
  if (number === undefined) {
    return undefined;
  }
  const size = 2 ** (32 - Number(length));
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}

/** An IPv4 address as a number. Leading zeros, which old API servers took, are decimal. */
export function parseAddress(address: string): number | undefined {
  const plain = address.split(".").map((part) => part.replace(/^0+(?=\d)/, ""));
  return isIPv4(plain.join("."))
    ? plain.reduce((sum, part) => sum * 256 + Number(part), 0)
    : undefined;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((bits) => String(Math.floor(address / 2 ** bits) % 256)).join(".");
}
