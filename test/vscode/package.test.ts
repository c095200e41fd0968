import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePackage } from '../support/vscodePackage';

const MOST_BYTES = 1_000_000;

/** All that may be in it. */
const allowed = [
  /^package\.json$/,
  /^(readme|changelog)\.md$/i,
  /^LICENSE(\.txt)?$/,
  /^dist\/(agent|broker|carrier|cli|extension|plot)\.js$/,
  /^dist\/plot\.css$/,
  /^dist\/agent\.py$/,
  /^dist\/bin\/epics-expose(\.cmd)?$/,
  /^dist\/THIRD_PARTY_LICENSES\.txt$/,
  /^media\/([a-zA-Z-]+\/)?[a-zA-Z-]+\.(svg|png|webp)$/,
];
const needed = [
  'package.json',
  'readme.md',
  'LICENSE.txt',
  'dist/extension.js',
  'dist/agent.js',
  'dist/carrier.js',
];

describe('package', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-vsix-'));
  const vsix = join(folder, 'epics-expose.vsix');
  let content: Map<string, string>;

  before(async () => {
    await makePackage(vsix);
    content = readZip(vsix);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('holds what is needed and nothing else', () => {
    const names = [...content.keys()].filter((name) => name.startsWith('extension/'));
    const files = names.map((name) => name.slice('extension/'.length));
    assert.deepEqual(strangers(files), []);
    assert.deepEqual(
      needed.filter((name) => !files.includes(name)),
      [],
    );
  });

  it('is small', () => assert.ok(statSync(vsix).size < MOST_BYTES, `${statSync(vsix).size} bytes`));

  it('has what its manifest names', () => {
    const manifest = content.get('extension/package.json') ?? '';
    const files = [...manifest.matchAll(/"((?:dist|media)\/[^"*]+\.[a-z]+)"/g)].map(([, f]) => f);
    assert.ok(files.length > 1);
    assert.deepEqual(
      files.filter((file) => !content.has(`extension/${file}`)),
      [],
    );
  });

  it('holds programs that run alone, and npm carries the same', () => {
    for (const name of ['cli', 'broker', 'agent']) {
      writeFileSync(join(folder, `${name}.js`), content.get(`extension/dist/${name}.js`) ?? '');
    }
    const run = (...words: string[]): string =>
      execFileSync(process.execPath, [join(folder, 'cli.js'), ...words], {
        cwd: folder,
        env: { ...process.env, NODE_PATH: '', EPICS_EXPOSE_BROKER: 'off' },
        encoding: 'utf8',
      });
    assert.match(run('--version'), /^\d+\.\d+\.\d+/);
    assert.match(run('--help'), /^Usage: epics-expose/);
    // As terminals of VS Code have it, whose Node need not be in the PATH.
    const launcher = join(folder, 'bin/epics-expose');
    mkdirSync(join(folder, 'bin'));
    writeFileSync(launcher, content.get('extension/dist/bin/epics-expose') ?? '', { mode: 0o755 });
    const env = { PATH: '/usr/bin:/bin', EPICS_EXPOSE_NODE: process.execPath };
    assert.match(execFileSync(launcher, ['--version'], { env, encoding: 'utf8' }), /^\d+\.\d+/);
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: join(__dirname, '../..'),
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
    assert.deepEqual(strangers(files.map(({ path }) => path)), []);
    const manifest = JSON.parse(content.get('extension/package.json') ?? '') as {
      dependencies?: unknown;
      scripts: Record<string, string>;
    };
    assert.equal(manifest.dependencies, undefined, 'nothing is installed with it');
    assert.equal(manifest.scripts['prepack'], 'node package.mjs --npm');
  });

  /** What the page of the extension shows. */
  const picturesOf = (readme: string): string[] =>
    [...readme.matchAll(/!\[[^\]]*\]\(([^)]*)\)|<img[^>]*src="([^"]*)"/g)].map(
      ([, inMarkdown, inHtml]) => inMarkdown ?? inHtml ?? '',
    );

  // VS Code shows pictures that come by https alone on the page of an extension.
  it('names no picture that its page cannot show', () => {
    const readme = content.get('extension/readme.md') ?? '';
    assert.match(readme, /^# EPICS Expose\n/);
    assert.deepEqual(picturesOf(readme), []);
  });

  it('names its pictures where they are public, when it is told', async () => {
    const other = join(folder, 'public.vsix');
    await makePackage(other, 'https://example.org/docs/');
    const pictures = picturesOf(readZip(other).get('extension/readme.md') ?? '');
    assert.ok(pictures.length > 0);
    for (const picture of pictures) {
      const [, file = assert.fail(picture)] =
        /^https:\/\/example\.org\/(docs\/.*)$/.exec(picture) ?? [];
      assert.ok(existsSync(join(__dirname, '../..', file)), file);
    }
  });

  it('brings the licence of each package in its bundles, and no native module', () => {
    const licences = content.get('extension/dist/THIRD_PARTY_LICENSES.txt') ?? '';
    const packages = [...licences.matchAll(/^(\S+) \d+\.\d+\.\d+\S* \(/gm)].map(([, name]) => name);
    for (const name of ['commander', 'dockerode', 'tar-stream', 'vscode-jsonrpc']) {
      assert.ok(packages.includes(name), `${name} is not among ${packages.join(' ')}`);
    }
    for (const name of ['cpu-features', 'ssh2', '@grpc/grpc-js']) {
      assert.ok(!packages.includes(name), name);
    }
    for (const [name, text] of content) {
      if (/dist\/.*\.js$/.test(name)) assert.doesNotMatch(text, /require\("[^"]+\.node"\)/, name);
    }
  });
});

const strangers = (files: readonly string[]): string[] =>
  files.filter((name) => !allowed.some((pattern) => pattern.test(name)));

/** Text of each file by its name. */
function readZip(file: string): Map<string, string> {
  const program = `
import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
print(json.dumps({name: archive.read(name).decode('latin1') for name in archive.namelist()}))`;
  const output = execFileSync('python3', ['-c', program, file], { maxBuffer: 64 << 20 });
  const entries = JSON.parse(output.toString()) as Record<string, string>;
  return new Map(Object.entries(entries));
}
