/** "Why?": a diagnosis of a PV, or of everything, as a text in an editor. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { LruMap } from '../base/lruMap';
import { printable } from '../base/printable';
import { askPv } from '../model/diagnosis/askPv';
import { type DiagnosisInput, diagnose, partWith } from '../model/diagnosis/diagnose';
import { endpointsToTry, machineFacts } from '../model/diagnosis/machineFacts';
import { settingsOfEnvironment } from '../model/diagnosis/envFile';
import { recordNameOf } from '../model/pvName';
import { askTraces } from '../model/diagnosis/askTraces';
import { diagnosisLines } from '../present/diagnosisText';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { formatLocal } from '../present/pvDetailsText';
import type { WindowPlace } from '../present/viewState';
import { clientVariables, type HostServices } from './hostServices';
import { readSettings } from './settings';
import { terminalSettings } from './terminalSettings';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';

const SCHEME = 'epics-expose-why';
const TIMEOUT_MS = 10_000;
/** Texts that are kept, as long as their editors may be open. */
const MAX_TEXTS = 50;

/** What to examine. */
export interface WhyTarget {
  /** Of a PV. */
  readonly name?: string;
  /** A container, IOC or server: its key, and what people call it. */
  readonly part?: { readonly key: string; readonly label: string };
}

/** What a diagnosis needs. */
export interface WhyViewInput {
  readonly exposure: WindowExposure;
  readonly system: HostServices;
  readonly place: WindowPlace;
  /** The folder of this machine in which the user works, also from inside its container. */
  readonly folder: string | undefined;
}

/** Makes diagnoses and shows them, each in a tab of its own. */
export class WhyView implements Disposable {
  readonly #input: WhyViewInput;
  readonly #store = new DisposableStore();
  readonly #texts = new LruMap<string, string>(MAX_TEXTS);
  readonly #changed = this.#store.add(new vscode.EventEmitter<vscode.Uri>());

  constructor(input: WhyViewInput) {
    this.#input = input;
    this.#store.add(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: ({ query }) => this.#texts.get(query) ?? '',
      }),
    );
  }

  /**
   * Says why a PV cannot be read here, or what is wrong with a container, IOC or server; without any
   * of these, what is wrong at all.
   */
  async show({ name, part }: WhyTarget = {}): Promise<void> {
    const text = await this.#textOf(name, part?.key);
    const key = name ?? part?.key ?? '';
    this.#texts.set(key, text);
    // The path is the title of the tab.
    const about = name ?? part?.label ?? '';
    const title = about === '' ? 'Why?' : `Why ${printable(about).replaceAll('/', '\u2215')}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: title, query: key });
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  async #textOf(name: string | undefined, partKey: string | undefined): Promise<string> {
    const { core, snapshot, problem } = this.#input.exposure;
    // It answers nothing now, not even why.
    if (problem?.kind === 'no-broker') return `${problem.message}\n`;
    if (!core) return 'Nothing is exposed by this window.\n  Click Expose PVs.\n';
    const part = partKey === undefined ? snapshot : partWith(snapshot, partKey);
    const input = await withTimeout(TIMEOUT_MS, async (signal): Promise<DiagnosisInput> => {
      const pv = name !== undefined && { name, record: recordNameOf(name) ?? name, path: [] };
      const pvs = pv ? [await askPv(core, pv, signal)] : [];
      // A container has nothing to do with who reads its PVs.
      if (partKey !== undefined) return { snapshot: part, pvs, duplicates: [] };
      const duplicates = await core.findDuplicates({}, signal);
      const settings = await this.#settings(signal);
      const traces = await askTraces(core, settings.clients, signal);
      return { snapshot, pvs, duplicates, traces, ...settings };
    });
    const lines = diagnosisLines(diagnose(input), input.pvs, part, WINDOW_WORDS);
    const time = formatLocal(new Date().toISOString());
    return `${lines.join('\n')}\n\nAs of ${time}. Choose Why? again to see what is so then.\n`;
  }

  /** Of clients in the terminals of this window, and in files of its folder. */
  async #settings(
    signal: AbortSignal,
  ): Promise<Required<Pick<DiagnosisInput, 'clients' | 'files'>>> {
    const { exposure, system, place, folder } = this.#input;
    // Terminals that are not on this machine have nothing of it; its host terminals have.
    const settings =
      place === 'here'
        ? terminalSettings(system)
        : settingsOfEnvironment({
            ...system.environment,
            ...(await clientVariables(exposure.snapshot, system)),
          });
    const files = await system.readSettingsFiles(folder, readSettings().phoebus);
    const look = await system.lookAtMachine(endpointsToTry({ settings }, files), signal);
    return { clients: { settings, machine: machineFacts(exposure.snapshot, look) }, files };
  }

  dispose(): void {
    this.#store.dispose();
  }
}
