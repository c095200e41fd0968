/**
 * What is wrong for EPICS in the files of a folder: those that make containers (devcontainer.json,
 * compose) and those with settings for clients (.env, environment.sh, a settings.ini of Phoebus). Of
 * the variables of containers only their form is judged: they are for clients inside.
 */
import {
  checkForm,
  checkGiven,
  type ClientSettings,
  type MachineFacts,
  type Setting,
  settingOf,
} from './clientSettings';
import type { Finding, SettingSource } from './finding';

/** A port of a container that a file forwards or publishes. */
export interface PortSetting extends SettingSource {
  /** `forwardPorts` is VS Code's own forwarding; the others publish. */
  readonly key: 'forwardPorts' | 'appPort' | 'ports';
  readonly inside: number;
  /** The number on this machine; absent: any that is free. */
  readonly here?: number;
}

/** What a file says of one container. */
export interface ContainerSettings {
  /** Of compose; absent: the devcontainer. */
  readonly service?: string;
  readonly settings: readonly Setting[];
  readonly ports: readonly PortSetting[];
}

/** What a file says. */
export interface WorkspaceFile {
  readonly file: string;
  readonly containers: readonly ContainerSettings[];
  /** What it sets for clients on this machine, for whoever uses it. */
  readonly clients?: ClientSettings;
  /** Settings for ports at a place where VS Code does not look. */
  readonly ignored?: SettingSource;
  /** Other files that belong to it, as it names them. */
  readonly includes: readonly string[];
  /** Where it is no YAML or JSON, and why. */
  readonly problem?: SettingSource & { readonly reason: string };
}

/** Ports of Channel Access and pvAccess, as EPICS numbers them; of searches and beacons, only UDP. */
const EPICS_PORTS: ReadonlySet<number> = new Set([5064, 5065, 5075, 5076]);
const UDP_PORTS: ReadonlySet<number> = new Set([5065, 5076]);
/** Where a server listens; the first that is set counts (rsrv caservertask.c, PVXS config.cpp). */
const SERVER_PORTS = [
  { names: ['EPICS_CAS_SERVER_PORT', 'EPICS_CA_SERVER_PORT'], usual: 5064 },
  { names: ['EPICS_PVAS_SERVER_PORT', 'EPICS_PVA_SERVER_PORT'], usual: 5075 },
];

/** The findings about files; all but those about the form of a variable of a container are notes. */
export function checkWorkspace(files: readonly WorkspaceFile[], machine?: MachineFacts): Finding[] {
  return files.flatMap(({ file, containers, clients, ignored, problem }) => [
    ...(clients ? checkGiven(clients, machine) : []),
    ...containers.flatMap((container) => [
      ...checkForm(container.settings),
      ...checkPorts(container),
      ...checkServerPorts(container),
    ]),
    ...(ignored ? [{ code: 'settings-ignored', ...ignored, isNote: true } as const] : []),
    ...(problem ? [{ code: 'file-not-read', file, ...problem, isNote: true } as const] : []),
  ]);
}

function checkPorts({ service, settings, ports }: ContainerSettings): Finding[] {
  const servers = SERVER_PORTS.map(({ names }) => serverPortOf(names, settings)?.port);
  return ports.flatMap((port) => checkPort(port, service, servers));
}

/** `servers`: ports that servers are told to listen at. */
function checkPort(
  { key, inside, here, file, line }: PortSetting,
  service: string | undefined,
  servers: readonly (number | undefined)[],
): Finding[] {
  const where = { ...(file !== undefined && { file }), ...(line !== undefined && { line }) };
  if (!EPICS_PORTS.has(inside) && !servers.includes(inside)) return [];
  if (key === 'forwardPorts') {
    const isUdp = UDP_PORTS.has(inside);
    return [{ code: 'port-forwarded', ...where, port: inside, isUdp, isNote: true }];
  }
  if (here === inside) return [];
  const numbers = { inside, ...(here !== undefined && { here }) };
  const of = service === undefined ? {} : { service };
  return [{ code: 'port-renumbered', ...where, ...of, ...numbers, isNote: true }];
}

/** A port is published at which the server was told not to listen. */
function checkServerPorts({ service, settings, ports }: ContainerSettings): Finding[] {
  return SERVER_PORTS.flatMap(({ names, usual }): Finding[] => {
    const set = serverPortOf(names, settings);
    const publishes = (port: number): PortSetting | undefined =>
      ports.find((one) => one.key !== 'forwardPorts' && one.inside === port);
    const published = publishes(usual);
    if (!set || !published || set.port === usual || publishes(set.port)) return [];
    const { file, line } = published;
    return [
      {
        code: 'port-not-listening',
        ...(file !== undefined && { file }),
        ...(line !== undefined && { line }),
        ...(service !== undefined && { service }),
        variable: set.name,
        published: usual,
        listens: set.port,
        isNote: true,
      },
    ];
  });
}

function serverPortOf(
  names: readonly string[],
  settings: readonly Setting[],
): { readonly name: string; readonly port: number } | undefined {
  const set = names.map((name) => settingOf(settings, name)).find((one) => one !== undefined);
  const port = /^\d{1,5}$/.test(set?.value ?? '') ? Number(set?.value) : 0;
  return set && port > 0 ? { name: set.name, port } : undefined;
}
