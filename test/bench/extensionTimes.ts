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
}

interface Marks {
  getMarks(): { name: string; startTime: number }[];
}

const ID = 'epics-expose.epics-expose';
const TURN_RESOLUTION_MS = 1;
const REDRAWS = 20;
const HOVERS = 40;
/** A person's next glance; also lets garbage of the step before go. */
const PAUSE_MS = 300;

export async function run(): Promise<void> {
  const resultFile = process.env['EPICS_EXPOSE_RESULT'] ?? '';
  const { endpoint, prefix } = JSON.parse(process.env['EPICS_EXPOSE_BENCH'] ?? '{}') as {
    endpoint: string;
    prefix: string;
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
  await vscode.commands.executeCommand(COMMANDS.stop);
  const times: ExtensionTimes = { loadMs, activationMs, exposeTurnsMs, redrawTurnsMs, hoversMs };
  writeFileSync(resultFile, JSON.stringify(times));
}

/** When VS Code itself noted that. */
function markMs(what: string): number {
  const marks = (globalThis as unknown as { MonacoPerformanceMarks: Marks }).MonacoPerformanceMarks;
  const mark = marks.getMarks().find(({ name }) => name === `code/extHost/${what}/${ID}`);
  if (!mark) throw new Error(`VS Code has no mark ${what}`);
  return mark.startTime;
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
  return new Promise((done) => setTimeout(done, PAUSE_MS));
}
