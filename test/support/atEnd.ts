/** What a test run has to end before the process does, such as engines that many tests share. */
const endings = new Set<() => void | Promise<void>>();

export function atEnd(end: () => void | Promise<void>): void {
  endings.add(end);
}

/** Called once, by the root hook in leaks.ts. */
export async function runEndings(): Promise<void> {
  const all = [...endings];
  endings.clear();
  for (const end of all) await end();
}
