import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const script = resolve(__dirname, '../../package.mjs');

/** `npm run package` to this file, from the sources as they are; with pictures from that address. */
export function makePackage(vsix: string, pictures = ''): Promise<void> {
  const options = { timeout: 360_000, env: { ...process.env, EPICS_EXPOSE_PICTURES: pictures } };
  return new Promise((done, failed) => {
    execFile(process.execPath, [script, vsix], options, (error, stdout, stderr) => {
      if (error) failed(new Error(`${stdout}${stderr}`, { cause: error }));
      else done();
    });
  });
}
