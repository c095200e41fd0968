/**
 * One spelling for a folder: Windows drive letters and separators vary between tools, and
 * \\wsl.localhost\Distro\p, \\wsl$\Distro\p and /p are the same folder seen from two sides.
 */
export function normaliseFolder(folder: string): string {
  const unified = folder.replace(/\\/g, '/');
  let end = unified.length;
  while (end > 1 && unified[end - 1] === '/') end--;
  const slashed = unified.slice(0, end);
  const wsl = /^\/\/wsl(?:\.localhost|\$)\/[^/]+(\/.*)$/i.exec(slashed);
  if (wsl) return wsl[1] ?? slashed;
  return /^[a-z]:/i.test(slashed) ? slashed.toLowerCase() : slashed;
}
