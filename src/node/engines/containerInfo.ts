/**
 * What an engine's inspect says of a container, normalised over Docker and Podman: pure, JSON in,
 * ContainerInfo out. Both engines leave out or null what does not apply, so nothing is assumed.
 */
import type { ContainerStatus } from '../../model/snapshot';
import type { ContainerInfo, PublishedPort } from '../../services/engine';

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
  } | null;
  readonly Config?: {
    readonly Image?: string;
    readonly User?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
  } | null;
  readonly HostConfig?: { readonly NetworkMode?: string } | null;
  readonly NetworkSettings?: {
    readonly IPAddress?: string;
    readonly GlobalIPv6Address?: string;
    readonly Networks?: Readonly<Record<string, NetworkJson | null>> | null;
    readonly Ports?: Readonly<Record<string, readonly PortBindingJson[] | null>> | null;
  } | null;
}

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
    publishedPorts: publishedPortsOf(json),
    user: config?.User ?? '',
  };
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

function publishedPortsOf(json: InspectJson): readonly PublishedPort[] {
  const published: PublishedPort[] = [];
  for (const [key, bindings] of Object.entries(json.NetworkSettings?.Ports ?? {})) {
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
