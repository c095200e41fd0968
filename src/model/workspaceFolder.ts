/**
 * The same folder in one spelling: Windows drive letters and separators vary between tools, and
 * \\wsl.localhost\Distro\p, \\wsl$\Distro\p and /p are the same folder seen from two sides. Pure.
 */
export function normaliseFolder(folder: string): string {
  const slashed = folder.replace(/\\/g, '/').replace(/(.)\/+$/, '$1');
  const wsl = /^\/\/wsl(?:\.localhost|\$)\/[^/]+(\/.*)$/i.exec(slashed);
  if (wsl) return wsl[1] ?? slashed;
  return /^[a-z]:/i.test(slashed) ? slashed.toLowerCase() : slashed;
}
