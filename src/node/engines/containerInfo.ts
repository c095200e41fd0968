/**
 * What an engine's inspect says of a container, normalised over Docker and Podman: pure, JSON in,
 * ContainerInfo out. Both engines leave out or null what does not apply, so nothing is assumed.
 */
import type { ContainerStatus } from '../../model/snapshot';
import type { ContainerInfo, PortPublisher, PublishedPort } from '../../services/engine';

/** The part of `GET /containers/{id}/json` that is read. */
export interface InspectJson {
  readonly Id?: string;
  readonly Name?: string;
  readonly Image?: string;
  readonly State?: {
    readonly Status?: string;
    readonly Running?: boolean;
    readonly Paused?: boolean;
    readonly Pid?: number;
    readonly StartedAt?: string;
    readonly FinishedAt?: string;
    readonly Error?: string;
  } | null;
  readonly Config?: {
    readonly Image?: string;
    readonly User?: string;
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

/** By `5064/tcp`. */
type PortBindingsJson = Readonly<Record<string, readonly PortBindingJson[] | null>> | null;

interface NetworkJson {
  readonly IPAddress?: string;
  readonly GlobalIPv6Address?: string;
}

interface PortBindingJson {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export function parseContainerInfo(json: InspectJson): ContainerInfo {
  const { State: state, Config: config } = json;
  const status = statusOf(state);
  return {
    id: json.Id ?? '',
    name: (json.Name ?? '').replace(/^\//, ''),
    image: config?.Image || json.Image || '',
    labels: config?.Labels ?? {},
    status,
    pid: status === 'stopped' ? 0 : (state?.Pid ?? 0),
    startedAt: state?.StartedAt ?? '',
    networkMode: networkModeOf(json),
    addresses: addressesOf(json),
    publishedPorts: publishedPortsOf(json.NetworkSettings?.Ports),
    user: config?.User ?? '',
  };
}

/** Undefined when it publishes no port. */
export function parsePortPublisher(json: InspectJson): PortPublisher | undefined {
  const { State: state, HostConfig: hostConfig } = json;
  // What was asked for stands in HostConfig whatever the container does; what it was given (a port
  // that the engine chose) only in NetworkSettings, while it runs.
  const ports = [
    ...publishedPortsOf(isPublishing(hostConfig?.NetworkMode) ? hostConfig?.PortBindings : null),
    ...publishedPortsOf(json.NetworkSettings?.Ports),
  ];
  const byText = new Map(ports.map((port) => [JSON.stringify(port), port]));
  if (byText.size === 0) return undefined;
  const finishedAt = state?.FinishedAt ?? '';
  return {
    id: json.Id ?? '',
    name: (json.Name ?? '').replace(/^\//, ''),
    state: state?.Status ?? '',
    restartsByItself: !['', 'no'].includes(hostConfig?.RestartPolicy?.Name ?? ''),
    finishedAt: finishedAt.startsWith('0001-') ? '' : finishedAt,
    startError: state?.Error ?? '',
    ports: [...byText.values()],
  };
}

/** Elsewhere bindings are kept, and mean nothing. */
function isPublishing(networkMode = ''): boolean {
  return networkMode !== 'host' && networkMode !== 'none' && !networkMode.startsWith('container:');
}

/** The words of `GET /containers/json` and of inspect: anything but running and paused is stopped. */
export function parseStatus(word: string | undefined): ContainerStatus {
  return word === 'running' || word === 'paused' ? word : 'stopped';
}

function statusOf(state: InspectJson['State']): ContainerStatus {
  // Docker says Running: true of a paused container as well.
  if (state?.Paused === true) return 'paused';
  if (state?.Status !== undefined) return parseStatus(state.Status);
  return state?.Running === true ? 'running' : 'stopped';
}

/** Docker before 26 keeps 'default' where nothing was asked for, which means its bridge. */
function networkModeOf(json: InspectJson): string {
  const mode = json.HostConfig?.NetworkMode ?? '';
  return mode === 'default' || mode === '' ? 'bridge' : mode;
}

/** The top-level address is empty as soon as a network of one's own is used; Networks has all. */
function addressesOf(json: InspectJson): readonly string[] {
  const settings = json.NetworkSettings;
  const found = [...Object.values(settings?.Networks ?? {}), settings].flatMap((network) => [
    network?.IPAddress,
    network?.GlobalIPv6Address,
  ]);
  return [...new Set(found.filter((address): address is string => !!address))];
}

/** Without those of no fixed number (none at all, 0, or a range of which the engine takes one). */
function publishedPortsOf(ports: PortBindingsJson | undefined): readonly PublishedPort[] {
  const published: PublishedPort[] = [];
  for (const [key, bindings] of Object.entries(ports ?? {})) {
    const match = /^(\d+)\/(tcp|udp)$/.exec(key);
    if (!match) continue; // sctp: nothing of EPICS
    for (const binding of bindings ?? []) {
      const hostPort = Number(binding.HostPort);
      if (!Number.isInteger(hostPort) || hostPort < 1 || hostPort > 65535) continue;
      published.push({
        transport: match[2] as 'tcp' | 'udp',
        containerPort: Number(match[1]),
        hostIp: binding.HostIp || '0.0.0.0', // Podman leaves "all addresses" empty
        hostPort,
      });
    }
  }
  return published;
}
