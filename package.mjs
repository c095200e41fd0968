/**
 * `npm run package [-- FILE]` makes epics-expose-VERSION.vsix. Staged apart from dist, which may be
 * in use: minified bundles, what the extension's page shows, and the licences of what is bundled.
 * `--npm`: dist as `npm pack` takes it.
 */
import { createVSIX } from '@vscode/vsce';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './esbuild.mjs';

const read = (file) => readFileSync(file, 'utf8');

/** The licence of every package that files of these come from; throws for one that shows none. */
function licencesOf(files) {
  const folders = [...files].flatMap((file) => {
    const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file) ?? [];
    return folder && !file.startsWith('left-out:') ? [folder] : [];
  });
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(read(`${folder}/package.json`));
    const parts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      .map((file) => read(`${folder}/${file}`).trim());
    if (parts.length === 0 && !license) throw new Error(`${name} shows no licence`);
    return `${name} ${version} (${license})\n\n${parts.join('\n\n')}`;
  });
  return `epics-expose contains these packages.\n\n${texts.join(`\n\n${'='.repeat(80)}\n\n`)}\n`;
}

/**
 * What users of the extension read. VS Code and its Marketplace show no pictures there but those that
 * come by https: EPICS_EXPOSE_PICTURES says where the folder docs is public, with a slash at its end;
 * otherwise the page has none.
 */
function pageOfExtension() {
  const page = read('docs/extension-page.md');
  const address = process.env['EPICS_EXPOSE_PICTURES'];
  return address
    ? page.replace(/(!\[[^\]]*\]\()/g, (start) => start + address)
    : page.replace(/^!\[[^\]]*\]\([^)]*\)\n\n/gm, '');
}

/** The programs with all that they need, and its licences: they run without a node_modules. */
export async function distribute(folder) {
  const files = await bundle({ folder, isProduction: true });
  writeFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), licencesOf(files));
}

export async function makePackage(vsix) {
  const stage = mkdtempSync(join(tmpdir(), 'epics-expose-package-'));
  try {
    await distribute(join(stage, 'dist'));
    for (const name of ['package.json', '.vscodeignore', 'CHANGELOG.md', 'LICENSE', 'media']) {
      cpSync(name, join(stage, name), { recursive: true });
    }
    writeFileSync(join(stage, 'README.md'), pageOfExtension());
    await createVSIX({
      cwd: stage,
      packagePath: resolve(vsix),
      dependencies: false,
      rewriteRelativeLinks: false,
      allowMissingRepository: true,
    });
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(dirname(process.argv[1]));
  const { version } = JSON.parse(read('package.json'));
  const [, , word = `epics-expose-${version}.vsix`] = process.argv;
  if (word === '--npm') await distribute('dist');
  else await makePackage(word);
}
