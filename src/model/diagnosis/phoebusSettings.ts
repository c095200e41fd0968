/**
 * The settings of PVs in Phoebus: preferences in a file that Phoebus is started with (`-settings`).
 * Facts from its sources (5.0.5 and 4.7.3): PropertyPreferenceLoader.java (the form),
 * JCA_Preferences.java and PVA_Preferences.java (the names, and what they override).
 */
import type { PvProtocol } from '../pvProtocol';
import { CLIENTS } from './clients';
import { type ClientSettings, type Setting, settingOf } from './clientSettings';
import type { Finding } from './finding';
import { parseJavaProperties } from './javaProperties';

/** The preferences that stand for a variable, by the variable. */
const PREFERENCES: Readonly<Record<string, string>> = {
  EPICS_CA_ADDR_LIST: 'org.phoebus.pv.ca/addr_list',
  EPICS_CA_AUTO_ADDR_LIST: 'org.phoebus.pv.ca/auto_addr_list',
  EPICS_CA_NAME_SERVERS: 'org.phoebus.pv.ca/name_servers',
  EPICS_CA_SERVER_PORT: 'org.phoebus.pv.ca/server_port',
  EPICS_PVA_ADDR_LIST: 'org.phoebus.pv.pva/epics_pva_addr_list',
  EPICS_PVA_AUTO_ADDR_LIST: 'org.phoebus.pv.pva/epics_pva_auto_addr_list',
  EPICS_PVA_BROADCAST_PORT: 'org.phoebus.pv.pva/epics_pva_broadcast_port',
  EPICS_PVA_NAME_SERVERS: 'org.phoebus.pv.pva/epics_pva_name_servers',
  EPICS_PVA_SERVER_PORT: 'org.phoebus.pv.pva/epics_pva_server_port',
};
const VARIABLES = new Map(Object.entries(PREFERENCES).map(([name, key]) => [key, name]));

/** The other preferences of these two packages. Other packages have nothing to do with finding PVs. */
const OTHERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'org.phoebus.pv.ca': [
      ...['beacon_period', 'connection_timeout', 'dbe_property_supported', 'large_array_threshold'],
      ...['max_array_bytes', 'monitor_mask', 'repeater_port', 'variable_length_array'],
    ],
    'org.phoebus.pv.pva': [
      ...['epics_pva_conn_tmo', 'epics_pva_enable_ipv6', 'epics_pva_max_array_formatting'],
      ...['epics_pva_send_buffer_size', 'epics_pva_tcp_socket_tmo'],
      'epics_pva_write_reply_timeout_ms',
    ],
  }),
);

/** What a file of preferences sets, and what is wrong with its form. */
export interface PhoebusFile {
  /** By the names of the variables that they stand for. */
  readonly settings: readonly Setting[];
  readonly findings: readonly Finding[];
}

/**
 * Reads the preferences for PVs in a settings.ini. `$(NAME)`, which Phoebus takes from its environment
 * or Java's properties, is not known. Does not throw.
 */
export function parsePhoebusFile(text: string, file: string): PhoebusFile {
  const settings: Setting[] = [];
  const findings: Finding[] = [];
  for (const { key, value, line } of parseJavaProperties(text)) {
    const where = { variable: key, file, line };
    const [, folder = '', name = ''] = /^([^]*)\/([^]*)$/.exec(key) ?? [];
    const variable = VARIABLES.get(`${folder.replaceAll('/', '.')}/${name}`);
    if (variable !== undefined) {
      settings.push(settingOfPreference(variable, value, where));
    } else if (!key.includes('/')) {
      const isFirst = findings.every(({ code }) => code !== 'preference-no-package');
      if (isFirst) findings.push({ code: 'preference-no-package', ...where });
    } else if (OTHERS.get(folder)?.includes(name) === false) {
      const meant = meantBy(folder, name);
      findings.push({ code: 'preference-unknown', ...where, ...(meant && { meant }) });
    }
  }
  return { settings, findings };
}

/** CAJ reads this preference as a Java boolean: only "true" is on. As a variable, only NO is off. */
function settingOfPreference(
  name: string,
  value: string,
  { variable: preference, file, line }: { variable: string; file: string; line: number },
): Setting {
  const place = { name, preference, file, line };
  if (/\$\([^)]+\)/.test(value)) return { ...place, value, isUnknown: true };
  const isSwitch = name === 'EPICS_CA_AUTO_ADDR_LIST' && value !== '';
  const meant = isSwitch ? (/^true$/i.test(value) ? 'YES' : 'NO') : value;
  return { ...place, value: meant };
}

/** One with its prefix missing, or too much. */
function meantBy(folder: string, name: string): string | undefined {
  const short = name.replace(/^epics_(?:ca|pva)_/, '');
  const meant = [`${folder}/${short}`, `${folder}/epics_pva_${short}`];
  return meant.find((key) => VARIABLES.has(key));
}

/** The preference that stands for a variable; the variable if there is none. */
export function preferenceOf(variable: string): string {
  return PREFERENCES[variable] ?? variable;
}

/** Phoebus when it is started with this file, in this environment. */
export function phoebusClient(
  { settings, findings }: PhoebusFile,
  file: string,
  environment: readonly Setting[],
): ClientSettings {
  const nameServers = {
    ca: preferenceOf('EPICS_CA_NAME_SERVERS'),
    pva: preferenceOf('EPICS_PVA_NAME_SERVERS'),
  };
  return {
    settings: phoebusSettings(environment, settings),
    client: CLIENTS.phoebus,
    findings,
    phoebus: { file, nameServers },
  };
}

/**
 * The settings that Phoebus has: over Channel Access its preferences alone, unless its Java is told to
 * use the environment (`-Djca.use_env=true`), which then is all; over pvAccess those of the environment
 * that no preference replaces. An empty preference replaces nothing.
 */
export function phoebusSettings(
  environment: readonly Setting[],
  preferences: readonly Setting[],
): readonly Setting[] {
  const usesEnvironment = readsEnvironment(environment);
  const isOf = (protocol: PvProtocol, { name }: Setting): boolean =>
    name.startsWith(`EPICS_${protocol.toUpperCase()}_`);
  const set = preferences.filter(
    (one) => one.value !== '' && one === settingOf(preferences, one.name),
  );
  return [
    ...environment.filter((one) => isOf('pva', one) || (usesEnvironment && isOf('ca', one))),
    ...set.filter((one) => isOf('pva', one) || !usesEnvironment),
  ];
}

/** Whether CAJ reads EPICS_CA_*: the java launcher takes options from this variable, too. */
export function readsEnvironment(environment: readonly Setting[]): boolean {
  const options = settingOf(environment, 'JDK_JAVA_OPTIONS')?.value ?? '';
  return /(?:^|\s)-Djca\.use_env=true(?:\s|$)/i.test(options);
}
