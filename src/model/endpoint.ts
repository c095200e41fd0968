/** A TCP or UDP address. `host` is numeric (IPv4, or IPv6 without brackets), `port` is 1..65535. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Formats an endpoint: `127.0.0.1:5064`, `[::1]:5064`. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Compares host and port. */
export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}

/** Whether the host is 0.0.0.0 or ::, that is, every address of its network namespace. */
export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Whether the host is IPv4. Search replies and name-server lists of Channel Access have no room for
 * other addresses.
 */
export function isIpv4(host: string): boolean {
  return IPV4.test(host);
}

/** Whether the host is a loopback address: 127.0.0.0/8 (also IPv4-mapped) or ::1. */
export function isLoopback(host: string): boolean {
  const ipv4 = unmapped(host);
  return host === '::1' || (ipv4.startsWith('127.') && isIpv4(ipv4));
}

/** The IPv4 address for which an IPv4-mapped one of IPv6 stands; others stay. */
export function unmapped(host: string): string {
  return host.startsWith(MAPPED) ? host.slice(MAPPED.length) : host;
}

/** What is not quite an address, such as 127.999.1.1, is a name, which would be asked for. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const MAPPED = '::ffff:';
