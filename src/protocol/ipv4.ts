/** An IPv4 address as a number of 32 bits. */
export function ipv4Number(host: string): number {
  return host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
