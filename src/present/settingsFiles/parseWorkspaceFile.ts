import { parseEnvFile } from '../../model/diagnosis/envFile';
import { parsePhoebusFile, phoebusClient } from '../../model/diagnosis/phoebusSettings';
import type { WorkspaceFile } from '../../model/diagnosis/workspaceSettings';
import { parseCompose, parseDevcontainer } from './settingsFiles';

/**
 * What a file of a folder says of EPICS, by its name; undefined for a settings.ini of something other
 * than Phoebus. Does not throw.
 */
export function parseWorkspaceFile(text: string, file: string): WorkspaceFile | undefined {
  const [name = ''] = /[^/\\]+$/.exec(file) ?? [];
  const nothing = { file, containers: [], includes: [] };
  switch (name) {
    case '.env':
    case '.envrc':
    case 'environment.sh':
      return { ...nothing, clients: { settings: parseEnvFile(text, file) } };
    case 'settings.ini':
      return /^[ \t]*org\.(?:phoebus|csstudio)\./m.test(text)
        ? { ...nothing, clients: phoebusClient(parsePhoebusFile(text, file), file, []) }
        : undefined;
    default:
      return name.endsWith('devcontainer.json')
        ? parseDevcontainer(text, file)
        : parseCompose(text, file);
  }
}
