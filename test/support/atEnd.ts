/** What a test run has to end before the process does, such as engines that many tests share. */
const endings = new Set<() => void | Promise<void>>();

export function atEnd(end: () => void | Promise<void>): void {
  endings.add(end);
}

/** For programs: ends the process with what `main` resolves to, after all endings. */
export function exitAfter(main: Promise<number>): void {
  main
    .catch((error: unknown) => {
      console.error(error);
      return 1;
    })
    .then(async (code) => {
      await runEndings();
      process.exit(code);
    })
    .catch(console.error);
}

/** Called once: by the root hook in leaks.ts, or by exitAfter. */
export async function runEndings(): Promise<void> {
  const all = [...endings];
  endings.clear();
  for (const end of all) await end();
}
