import type { ContainerStatus } from '../../model/snapshot';
import { parseEnvironment } from '../../services/discovery/detect/parseProc';
import type { ContainerInfo, PortPublisher, PublishedPort } from '../../services/host/engine';

/**
 * The part of `GET /containers/{id}/json` that is read. Both engines omit what does not apply, or
 * set it to null.
 */
export interface InspectJson {
  readonly Id?: string;
  readonly Name?: string;
  readonly Image?: string;
  readonly Path?: string;
  readonly Args?: readonly string[] | null;
  readonly RestartCount?: number;
  readonly State?: {
    readonly Status?: string;
    readonly Running?: boolean;
    readonly Paused?: boolean;
    readonly Pid?: number;
    readonly StartedAt?: string;
    readonly FinishedAt?: string;
    readonly ExitCode?: number;
    readonly Error?: string;
  } | null;
  readonly Config?: {
    readonly Image?: string;
    readonly Env?: readonly string[] | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
  } | null;
  readonly HostConfig?: {
    readonly NetworkMode?: string;
    readonly PortBindings?: PortBindingsJson;
    readonly RestartPolicy?: { readonly Name?: string } | null;
  } | null;
  readonly NetworkSettings?: {
    readonly IPAddress?: string;
    readonly GlobalIPv6Address?: string;
    readonly Networks?: Readonly<Record<string, NetworkJson | null>> | null;
    readonly Ports?: PortBindingsJson;
  } | null;
}

/** By port and transport, such as `5064/tcp`. */
type PortBindingsJson = Readonly<Record<string, readonly PortBindingJson[] | null>> | null;

interface NetworkJson {
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

interface PortBindingJson {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

/** A container with the facts that only Docker and Podman have. */
export interface EngineContainer extends ContainerInfo {
  /** Pid of its first process in the engine's numbering; 0 if it does not run. */
  readonly pid: number;
  /** As the engine reports it: 'host', 'bridge', 'none', 'container:<id>', a network's name, ... */
  readonly networkMode: string;
  /** Its addresses on its networks, as the engine reports them. */
  readonly addresses: readonly string[];
  readonly publishedPorts: readonly PublishedPort[];
}

/** Reads what an engine's inspect reports about a container, the same for Docker and Podman. */
export function parseContainerInfo(json: InspectJson): EngineContainer {
  const { State: state, Config: config } = json;
  const status = statusOf(state);
  const pid = status === 'stopped' ? 0 : (state?.Pid ?? 0);
  const startedAt = textOf(state?.StartedAt);
  return {
    id: textOf(json.Id),
    name: textOf(json.Name).replace(/^\//, ''),
    image: textOf(config?.Image) || textOf(json.Image),
    labels: labelsOf(config?.Labels),
    status,
    pid,
    startedAt,
    run: `${pid} ${startedAt}`,
    start: { command: wordsOf(json), environment: environmentOf(config?.Env) },
    ...(Number.isInteger(json.RestartCount) && { restartCount: json.RestartCount }),
    ...endOf(status, state),
    networkMode: networkModeOf(json),
    addresses: addressesOf(json),
    publishedPorts: publishedPortsOf(json.NetworkSettings?.Ports),
  };
}

function wordsOf({ Path: path, Args: args }: InspectJson): string[] {
  const rest: readonly unknown[] = Array.isArray(args) ? args : [];
  return (path === undefined ? [] : [path, ...rest]).slice(0, MAX_WORDS).map(textOf);
}

/** Arguments, and variables, that are read. */
const MAX_WORDS = 1000;

function environmentOf(variables: unknown): Record<string, string> {
  if (!Array.isArray(variables)) return {};
  return parseEnvironment(variables.slice(0, MAX_WORDS).map(textOf).join('\0'));
}

function endOf(status: ContainerStatus, state: InspectJson['State']): Pick<ContainerInfo, 'ended'> {
  const finishedAt = textOf(state?.FinishedAt);
  const exitCode = state?.ExitCode;
  if (status !== 'stopped' || !Number.isInteger(exitCode) || finishedAt.startsWith('0001-')) {
    return {};
  }
  return { ended: { exitCode: exitCode ?? 0, finishedAt } };
}

/**
 * A time between the run before and this one, in seconds since 1970 by the engine's clock; undefined
 * for the first run. What engines call start may be some milliseconds after the first line of a log,
 * and its last line after the end.
 */
export function runBeginsAt({ State: state }: InspectJson): number | undefined {
  const startedMs = Date.parse(textOf(state?.StartedAt));
  const finishedMs = Date.parse(textOf(state?.FinishedAt));
  const isLater = finishedMs > 0 && startedMs >= finishedMs;
  return isLater ? (startedMs + finishedMs) / 2000 : undefined;
}

/** The ports that it publishes, whether it runs or not; undefined if it publishes none. */
export function parsePortPublisher(json: InspectJson): PortPublisher | undefined {
  const { State: state, HostConfig: hostConfig } = json;
  // HostConfig has the requested ports in any state of the container; NetworkSettings has the
  // actual ones (a port that the engine chose), only while it runs.
  const ports = [
    ...publishedPortsOf(isPublishing(hostConfig?.NetworkMode) ? hostConfig?.PortBindings : null),
    ...publishedPortsOf(json.NetworkSettings?.Ports),
  ];
  const byText = new Map(
    ports.map((port) => [`${port.transport} ${port.hostIp} ${port.hostPort}`, port]),
  );
  if (byText.size === 0) return undefined;
  const finishedAt = textOf(state?.FinishedAt);
  return {
    id: textOf(json.Id),
    name: textOf(json.Name).replace(/^\//, ''),
    state: textOf(state?.Status),
    restartsAutomatically: !['', 'no'].includes(textOf(hostConfig?.RestartPolicy?.Name)),
    finishedAt: finishedAt.startsWith('0001-') ? '' : finishedAt,
    startError: textOf(state?.Error),
    ports: [...byText.values()],
  };
}

/** Characters of an id, a name, an image or a reason. */
const MAX_TEXT = 2000;

/** The types describe what an engine should send; this holds whatever it sends. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : '';
}

/** Enough for what tools put there; all of them go to every front end. */
const MAX_LABELS = 200;
/** Characters of a label's name and value together. */
const MAX_LABEL_LENGTH = 4096;

function labelsOf(labels: unknown): Readonly<Record<string, string>> {
  if (typeof labels !== 'object' || labels === null) return {};
  const kept = Object.entries(labels)
    .filter(
      ([name, value]) =>
        typeof value === 'string' && name.length + value.length <= MAX_LABEL_LENGTH,
    )
    .slice(0, MAX_LABELS);
  return Object.fromEntries(kept);
}

/** Whether bindings of ports count. In the other network modes they are kept, but mean nothing. */
function isPublishing(mode: unknown): boolean {
  const networkMode = textOf(mode);
  return networkMode !== 'host' && networkMode !== 'none' && !networkMode.startsWith('container:');
}

/**
 * The status for a state of `GET /containers/json` or inspect: anything but running and paused is
 * stopped.
 */
export function parseStatus(word: string | undefined): ContainerStatus {
  return word === 'running' || word === 'paused' ? word : 'stopped';
}

function statusOf(state: InspectJson['State']): ContainerStatus {
  // Docker reports Running: true for a paused container as well.
  if (state?.Paused === true) return 'paused';
  if (state?.Status !== undefined) return parseStatus(state.Status);
  return state?.Running === true ? 'running' : 'stopped';
}

/** Docker before 26 has 'default' if no network was requested, which means its bridge. */
function networkModeOf(json: InspectJson): string {
  const mode = textOf(json.HostConfig?.NetworkMode);
  return mode === 'default' || mode === '' ? 'bridge' : mode;
}

/** The top-level address is empty as soon as a user-defined network is used; Networks has all. */
function addressesOf(json: InspectJson): readonly string[] {
  const settings = json.NetworkSettings;
  const found = [...Object.values(settings?.Networks ?? {}), settings].flatMap((network) => [
    network?.IPAddress,
    network?.GlobalIPv6Address,
  ]);
  return [...new Set(found.filter((address): address is string => textOf(address) !== ''))];
}

/**
 * The published ports, without those that have no fixed number (none, 0, or a range of which the
 * engine takes one).
 */
function publishedPortsOf(ports: PortBindingsJson | undefined): readonly PublishedPort[] {
  const published: PublishedPort[] = [];
  for (const [key, bindings] of Object.entries(ports ?? {})) {
    const match = /^(\d+)\/(tcp|udp)$/.exec(key);
    if (!match) continue; // sctp, which EPICS does not use
    for (const binding of bindings ?? []) {
      const hostPort = Number(binding.HostPort);
      if (!Number.isInteger(hostPort) || hostPort < 1 || hostPort > 65535) continue;
      published.push({
        transport: match[2] as 'tcp' | 'udp',
        containerPort: Number(match[1]),
        hostIp: textOf(binding.HostIp) || '0.0.0.0', // Podman leaves "all addresses" empty
        hostPort,
      });
    }
  }
  return published;
}
