/** What Phoebus is started with. */
import type { PvAddress } from './pvAddress';
import { settingOf } from './diagnosis/clientSettings';
import { parsePhoebusFile, preferenceOf } from './diagnosis/phoebusSettings';

const NAME_SERVERS = ['EPICS_CA_NAME_SERVERS', 'EPICS_PVA_NAME_SERVERS'] as const;

/**
 * A settings.ini that tells Phoebus the name servers of this environment, after those that its own one,
 * whose text is `installed`, names. Over Channel Access Phoebus reads its preferences alone; over
 * pvAccess they replace the variable (JCA_Preferences.java, PVA_Preferences.java).
 */
export function phoebusPreferences(
  environment: Readonly<Record<string, string>>,
  installed: string,
): string {
  const { settings } = parsePhoebusFile(installed, 'settings.ini');
  const lines = NAME_SERVERS.flatMap((variable) => {
    const ours = entries(environment[variable]);
    if (ours.length === 0) return [];
    const known = entries(settingOf(settings, variable)?.value);
    const list = [...new Set([...known, ...ours])].join(' ');
    // A backslash is Java's own mark in such a file.
    return `${preferenceOf(variable)}=${list.replaceAll('\\', '\\\\')}`;
  });
  return ['# Of epics-expose, which writes it anew at each start of Phoebus.', ...lines, ''].join(
    '\n',
  );
}

function entries(list = ''): string[] {
  return list.split(/\s+/).filter((entry) => entry !== '');
}

/**
 * The line that tells why Phoebus does not start, in what it and its script have printed; undefined:
 * none does.
 */
export function phoebusFailure(printed: string): string | undefined {
  return printed.split(/\r?\n/).find((line) => FAILURE.test(line));
}

const FAILURE =
  /: (?:command )?not found$|unable to access jarfile|UnsupportedClassVersionError|could not find or load main class|exception in thread "main"|error occurred during initialization|unable to locate settings/i;

/** Phoebus takes what a second start asks for to the window that is open, if this port is free. */
const PHOEBUS_PORT = '4918';

/** Arguments with which Phoebus opens a PV in its Probe, or a display file of this machine. */
export function phoebusResource(
  what: { readonly pv: PvAddress } | { readonly file: string },
): readonly string[] {
  const resource =
    'pv' in what
      ? `pv://?${encodeURIComponent(`${what.pv.protocol}://${what.pv.name}`)}&app=probe`
      : `${pathToFileUrl(what.file)}?app=display_runtime`;
  return ['-server', PHOEBUS_PORT, '-resource', resource];
}

/** `file:/a%20b`, also for a path of Windows. */
function pathToFileUrl(path: string): string {
  const parts = path.replaceAll('\\', '/').split('/').map(encodeURIComponent);
  return `file:/${parts
    .join('/')
    .replace(/^\/+/, '')
    .replace(/^([A-Za-z])%3A/, '$1:')}`;
}
