/**
 * Makes a VS Code profile folder whose window shows the demo in place of container engines:
 *
 *   node test/support/demoProfile.mjs FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , folder = '.cache/debug'] = process.argv;
const settings = {
  'epicsExpose.engine': 'demo:',
  'epicsExpose.autoExpose': 'always',
  'security.workspace.trust.enabled': false,
};
mkdirSync(join(folder, 'User'), { recursive: true });
writeFileSync(join(folder, 'User/settings.json'), `${JSON.stringify(settings, undefined, 2)}\n`);
