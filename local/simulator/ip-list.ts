import { BlockList, isIP } from 'node:net';

/**
 * Whether the IP list of an account or WeCom app allows calls from `ip`. Entries are addresses or CIDR ranges;
 * without a list every address is allowed, as for a mini program by default (docs/wechat.md#ip-lists).
 */
export function isAllowed(ip: string, entries: readonly string[] | undefined): boolean {
  if (!entries) return true;
  const family = familyOf(ip);
  return family !== undefined && toBlockList(entries).check(ip, family);
}

/** @throws TypeError that names the entry that is neither an address nor a CIDR range */
export function assertIpList(entries: readonly string[]): void {
  toBlockList(entries);
}

function toBlockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = familyOf(address);
    const bits = prefix === undefined ? undefined : prefixLength(prefix, family);
    if (family === undefined || Number.isNaN(bits)) {
      throw new TypeError(`'${entry}' is neither an IP address nor a CIDR range`);
    }
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return list;
}

function familyOf(ip: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(ip);
  return version === 0 ? undefined : `ipv${version as 4 | 6}`;
}

function prefixLength(text: string, family: 'ipv4' | 'ipv6' | undefined): number {
  const bits = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return bits <= (family === 'ipv4' ? 32 : 128) ? bits : Number.NaN;
}
