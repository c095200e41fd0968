/** Runs inside the extension host: the measurements of extension.ts. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as vscode from 'vscode';
import { COMMANDS, PVS_VIEW, SETTINGS, SETTINGS_SECTION } from '../../src/ui/ids';
import { until } from '../support/until';

export interface ExtensionTimes {
  loadMs: number;
  activationMs: number;
  /** The longest turn of the event loop in each span of time. */
  exposeTurnsMs: number[];
  redrawTurnsMs: number[];
  hoversMs: number[];
  /** While an image of a megabyte comes ten times a second. */
  image: {
    turnMs: number;
    /** Of the processor, for each of ten updates a second. */
    updateMs: number;
    grownMB: number;
    hoversMs: number[];
  };
}

interface Marks {
  getMarks(): { name: string; startTime: number }[];
}

const ID = 'epics-expose.epics-expose';
const TURN_RESOLUTION_MS = 1;
const REDRAWS = 20;
const HOVERS = 40;
const WARM_UP_MS = 3000;
const IMAGE_MS = 15_000;
const UPDATES_PER_SECOND = 10;
/** So that each value is read anew. */
const HOVER_PAUSE_MS = 50;
/** A person's next glance; also lets garbage of the step before go. */
const PAUSE_MS = 300;

export async function run(): Promise<void> {
  const resultFile = process.env['EPICS_EXPOSE_RESULT'] ?? '';
  const { endpoint, prefix, image } = JSON.parse(process.env['EPICS_EXPOSE_BENCH'] ?? '{}') as {
    endpoint: string;
    prefix: string;
    image: string;
  };
  await vscode.extensions.getExtension(ID)?.activate();
  const loadMs = markMs('didLoadExtensionCode') - markMs('willLoadExtensionCode');
  const activationMs = markMs('didActivateExtension') - markMs('willActivateExtension');
  await vscode.workspace
    .getConfiguration(SETTINGS_SECTION)
    .update(SETTINGS.engine, endpoint, vscode.ConfigurationTarget.Global);
  await vscode.commands.executeCommand(`${PVS_VIEW}.focus`);
  const file = join(dirname(resultFile), 'bench.db');
  const numbers = Array.from({ length: HOVERS }, (_, index) => index * 2000);
  writeFileSync(file, numbers.map((n) => `record(ai, "${prefix}${n}") {}\n`).join(''));
  const document = await vscode.workspace.openTextDocument(file);
  const exposeTurnsMs = [
    await longestTurn(async () => {
      await vscode.commands.executeCommand(COMMANDS.expose);
      await until(
        async () => (await hover(document, HOVERS - 1)).includes('Value'),
        60_000,
        'a value',
      );
    }),
  ];
  const redrawTurnsMs: number[] = [];
  for (let redraw = 0; redraw < REDRAWS; redraw++) {
    const draw = async (): Promise<void> => {
      await vscode.commands.executeCommand(COMMANDS.refresh);
      await pause();
    };
    redrawTurnsMs.push(await longestTurn(draw));
  }
  const hoversMs: number[] = [];
  for (let index = 0; index < HOVERS; index++) {
    const startMs = performance.now();
    await hover(document, index);
    hoversMs.push(performance.now() - startMs);
  }
  const times: ExtensionTimes = {
    ...{ loadMs, activationMs, exposeTurnsMs, redrawTurnsMs, hoversMs },
    image: await plotImage(image, document),
  };
  await vscode.commands.executeCommand(COMMANDS.stop);
  writeFileSync(resultFile, JSON.stringify(times));
}

/** When VS Code itself noted that. */
function markMs(what: string): number {
  const marks = (globalThis as unknown as { MonacoPerformanceMarks: Marks }).MonacoPerformanceMarks;
  const mark = marks.getMarks().find(({ name }) => name === `code/extHost/${what}/${ID}`);
  if (!mark) throw new Error(`VS Code has no mark ${what}`);
  return mark.startTime;
}

/** Plots an image for a while, and hovers over other PVs meanwhile. */
async function plotImage(
  name: string,
  document: vscode.TextDocument,
): Promise<ExtensionTimes['image']> {
  const memory = await settledMemory();
  await vscode.commands.executeCommand(COMMANDS.monitorPv, { name, protocol: 'pva' });
  await pauseFor(WARM_UP_MS);
  const delay = monitorEventLoopDelay({ resolution: TURN_RESOLUTION_MS });
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  delay.enable();
  await pauseFor(IMAGE_MS);
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const updates = ((performance.now() - startMs) / 1000) * UPDATES_PER_SECOND;
  const hoversMs: number[] = [];
  for (let index = 0; index < HOVERS; index++) {
    const hoverMs = performance.now();
    await hover(document, index);
    hoversMs.push(performance.now() - hoverMs);
    await pauseFor(HOVER_PAUSE_MS);
  }
  const grownMB = ((await settledMemory()) - memory) / 1e6;
  return {
    turnMs: delay.max / 1e6 - TURN_RESOLUTION_MS,
    updateMs: (user + system) / 1000 / updates,
    ...{ grownMB, hoversMs },
  };
}

/** The least of some looks, because garbage comes and goes. */
async function settledMemory(): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 20; look++) {
    least = Math.min(least, process.memoryUsage().rss);
    await pauseFor(100);
  }
  return least;
}

async function longestTurn(work: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: TURN_RESOLUTION_MS });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6 - TURN_RESOLUTION_MS;
}

async function hover(document: vscode.TextDocument, line: number): Promise<string> {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    new vscode.Position(line, 'record(ai, "'.length + 1),
  );
  return hovers
    .flatMap(({ contents }) => contents)
    .map((content) => (typeof content === 'string' ? content : content.value))
    .join('\n');
}

function pause(): Promise<void> {
  return pauseFor(PAUSE_MS);
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
