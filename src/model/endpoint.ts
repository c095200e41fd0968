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
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

/** Whether the host is a loopback address: 127.0.0.0/8 (also IPv4-mapped) or ::1. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
