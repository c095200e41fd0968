/**
 * `npm run screenshots [-- KIND...]`: makes docs/images and media/walkthrough from the real thing:
 * IOCs in containers of a throw-away engine, the command in a terminal (tmux), its screen drawn by a
 * headless Chromium, and the extension in a real VS Code. All kinds, or those named: `table` (the
 * command), `editor`, `walkthrough`, `animation`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runEndings } from './atEnd';
import { CLI } from './exposed';
import { missingImageTools } from './imageTools';
import { runKeeper } from './lab/container';
import { sharedEngine } from './lab/engine';
import { IMAGES } from './pictureScene';
import { until } from './until';
import { KINDS, takePictures, type PictureKind } from './vscodePictures';

const COLUMNS = 104;

async function main(): Promise<void> {
  const missing = missingImageTools();
  if (missing) throw new Error(missing);
  const engine = await sharedEngine('docker');
  const name = (text: string): { env: Record<string, string> } => ({ env: { IOC_NAME: text } });
  const dev = await runKeeper(engine, { name: 'ioc-template-dev' });
  await dev.startIoc({ ioc: 'softIocPvx', macros: 'P=DEV:', ...name('DEV_TEST_IOC') });
  await dev.startIoc({ ioc: 'softIocPva', macros: 'P=SIM:', ...name('SIM_IOC') });
  const beamline = await runKeeper(engine, { name: 'bl01t-ea-test-01' });
  await beamline.startIoc({
    ioc: 'softIocCa',
    db: ['demo.db', 'plotted.db'],
    macros: 'P=BL01T:',
    ...name('bl01t-ea-test-01'),
  });
  const words = process.argv.slice(2);
  const isWanted = (kind: string): boolean => words.length === 0 || words.includes(kind);
  if (isWanted('table')) {
    await terminal('table', ['node', CLI, '--engine', engine.endpoint], 'watching');
  }
  const kinds = Object.keys(KINDS).filter((kind): kind is PictureKind => isWanted(kind));
  if (kinds.length > 0) await takePictures(engine, kinds);
}

/** Runs a command in a terminal until its screen shows `settled`, and keeps a picture of that. */
async function terminal(title: string, command: string[], settled: string): Promise<void> {
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-L', `epics-expose-${process.pid}`, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  tmux('new-session', '-d', '-x', String(COLUMNS), '-y', '40', ...command);
  const isRunning = (): boolean => {
    try {
      return tmux('list-sessions') !== '';
    } catch {
      return false;
    }
  };
  const screen = (): string => tmux('capture-pane', '-e', '-p').trimEnd();
  try {
    const isDone = (): boolean => screen().includes(settled) && !screen().includes('...');
    await until(isDone, 30_000, `the screen to show "${settled}"`);
    draw(title, `$ epics-expose\n${screen()}`);
  } finally {
    // It ends with its command, which this ends.
    tmux('send-keys', 'C-c');
    await until(() => !isRunning(), 10_000, 'the command to end');
  }
}

const COLOURS: Record<string, string> = { 31: '#f47067', 32: '#57ab5a', 33: '#c69026' };

/** The few escape sequences that we print, as HTML. */
function toHtml(screen: string): string {
  const escaped = screen.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  let isOpen = false;
  const html = escaped.replace(/\u001b\[([\d;]*)m/g, (_all, codes: string) => {
    const style = codes
      .split(';')
      .map((code) =>
        code === '1' ? 'font-weight:bold' : COLOURS[code] ? `color:${COLOURS[code]}` : '',
      )
      .filter((rule) => rule !== '')
      .join(';');
    const closing = isOpen ? '</span>' : '';
    isOpen = style !== '';
    return closing + (isOpen ? `<span style="${style}">` : '');
  });
  return html + (isOpen ? '</span>' : '');
}

function draw(title: string, screen: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-picture-'));
  const lines = screen.split('\n').length;
  const page = join(folder, 'page.html');
  writeFileSync(
    page,
    `<meta charset="utf-8"><body style="margin:0;background:#22272e;color:#cdd9e5">
<pre style="margin:0;padding:20px 24px;font:15px/1.45 'DejaVu Sans Mono',monospace">${toHtml(screen)}</pre>`,
  );
  const size = `${48 + Math.ceil(COLUMNS * 9.04)},${40 + Math.ceil(lines * 21.75)}`;
  try {
    execFileSync(
      'chromium',
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        ...[
          `--user-data-dir=${folder}/profile`,
          `--window-size=${size}`,
          '--force-device-scale-factor=2',
        ],
        ...[`--screenshot=${join(IMAGES, `${title}.png`)}`, `file://${page}`],
      ],
      { stdio: 'ignore' }, // it complains of a missing desktop
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => void runEndings());
