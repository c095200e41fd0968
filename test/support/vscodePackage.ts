import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const script = resolve(__dirname, '../../package.mjs');

/** `npm run package` to this file, from the sources as they are. */
export function makePackage(vsix: string): Promise<void> {
  return new Promise((done, failed) => {
    execFile(process.execPath, [script, vsix], { timeout: 360_000 }, (error, stdout, stderr) => {
      if (error) failed(new Error(`${stdout}${stderr}`, { cause: error }));
      else done();
    });
  });
}
