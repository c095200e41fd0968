/** An IPv4 address such as "127.0.0.1" as an unsigned 32-bit number (0x7f000001). */
export function ipv4Number(host: string): number {
  return host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
