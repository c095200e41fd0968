/** What EPICS clients in new terminals of a window are told: its settings, and what we add. */
import * as vscode from 'vscode';
import type { Setting } from '../model/diagnosis/clientSettings';
import { settingsOfEnvironment } from '../model/diagnosis/envFile';
import type { HostServices } from './hostServices';

/** As VS Code calls systems in the names of settings. */
const SYSTEMS: Readonly<Record<string, string>> = { darwin: 'osx', win32: 'windows' };

/** In the order in which VS Code applies them; the last of a name counts. */
export function terminalSettings({
  environment,
  platform,
  terminalVariables,
}: Pick<HostServices, 'environment' | 'platform' | 'terminalVariables'>): readonly Setting[] {
  const section = `terminal.integrated.env.${SYSTEMS[platform] ?? platform}`;
  const settings = [
    ...settingsOfEnvironment(environment),
    ...settingsOfEnvironment(ownVariables(section)).map((one) => ({
      ...one,
      file: section,
      // Such as ${env:NAME}.
      ...(one.value.includes('${') && { isUnknown: true }),
    })),
  ];
  for (const { name } of settingsOfEnvironment(addedBy(terminalVariables))) {
    const known = settings.findLast((setting) => setting.name === name);
    const { value = '' } = terminalVariables.get(name) ?? {};
    settings.push({ ...known, name, value: `${value}${known?.value ?? ''}` });
  }
  return settings;
}

/** What the person, or the folder, has set; null removes a variable. */
function ownVariables(section: string): Record<string, string> {
  const set = vscode.workspace.getConfiguration().get<Record<string, unknown>>(section) ?? {};
  return Object.fromEntries(
    Object.entries(set).map(([name, value]) => [name, typeof value === 'string' ? value : '']),
  );
}

function addedBy(variables: vscode.EnvironmentVariableCollection): Record<string, string> {
  const added: Record<string, string> = {};
  for (const [name, { value }] of variables) added[name] = value;
  return added;
}
