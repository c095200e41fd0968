/** A TCP or UDP address. `host` is numeric (IPv4 or IPv6 without brackets), `port` is 1..65535. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5064`, `[::1]:5064`. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}

/** 0.0.0.0 or ::, that is: every address of its network namespace. */
export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Search replies and name server lists of Channel Access have room for no other. */
export function isIpv4(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}
