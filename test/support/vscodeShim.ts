/**
 * Stands in for the desktop program that @vscode/test-electron starts, where there is none: loads
 * the extension and its tests into code-server, and ends with what their run() came to.
 */
import { resolve } from 'node:path';
import { CodeServer } from './codeServer';
import { openBrowser, openPage } from './vscodeWorkbench';

const DEADLINE_MS = 360_000;

async function main(parameters: readonly string[]): Promise<number> {
  const option = (name: string): string => {
    const found = parameters.find((word) => word.startsWith(`--${name}=`));
    if (!found) throw new Error(`--${name} is missing`);
    return found.slice(name.length + 3);
  };
  const [folder] = parameters.filter((word) => !word.startsWith('-'));
  const server = await CodeServer.start({ isForTests: true });
  try {
    const browser = await openBrowser();
    try {
      const page = await openPage(browser, 'dark');
      const testsPath = option('extensionTestsPath');
      const errors = new Set<string>();
      page.on('console', (message) => {
        // Of the many, those that the tests have caused.
        if (message.text().includes(testsPath)) errors.add(message.text());
      });
      const exit = new Promise<number>((done) => {
        // What VS Code calls in a browser, in place of ending its process.
        void page.exposeFunction('codeAutomationExit', done);
      });
      await page.goto(
        server.page(resolve(folder ?? server.make('workspace')), [
          ['extensionDevelopmentPath', server.uri(option('extensionDevelopmentPath'))],
          ['extensionTestsPath', server.uri(testsPath)],
        ]),
      );
      const code = await Promise.race([exit, deadline()]);
      if (code !== 0) console.error([...errors].join('\n'));
      return code;
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}

function deadline(): Promise<never> {
  return new Promise((_done, failed) => {
    const late = new Error(`the tests did not end within ${DEADLINE_MS} ms`);
    setTimeout(() => failed(late), DEADLINE_MS).unref();
  });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
