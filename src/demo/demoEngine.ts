import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock';
import { DisposableStore, toDisposable } from '../base/disposable';
import { EventEmitter } from '../base/event';
import { ContainerError, TransportError } from '../base/errors';
import type { Endpoint } from '../model/endpoint';
import { openTcpRelay } from '../node/relay/tcpRelay';
import type { Route } from '../services/host/connection';
import {
  CA_SERVER_PORT,
  PVA_BROADCAST_PORT,
  PVA_SERVER_PORT,
} from '../services/discovery/detect/candidates';
import type { BoundSocket, SocketReport } from '../services/host/socketReport';
import type { ContainerAccess, ContainerInfo, Engine } from '../services/host/engine';
import { DemoServers } from './demoServers';
import { DemoValues } from './demoPvs';
import { duplexPair } from '../node/relay/duplexPair';

const CONTAINER: ContainerInfo = {
  id: 'demo',
  name: 'demo',
  image: 'built in',
  labels: {},
  status: 'running',
  startedAt: '',
  run: '',
};

const socket = (transport: 'tcp' | 'udp', port: number, inode: number): BoundSocket => ({
  transport,
  host: '0.0.0.0',
  port,
  inode,
  uid: 0,
});

const REPORT: SocketReport = {
  sockets: [
    socket('tcp', CA_SERVER_PORT, 1),
    socket('udp', CA_SERVER_PORT, 2),
    socket('tcp', PVA_SERVER_PORT, 3),
    socket('udp', PVA_BROADCAST_PORT, 4),
  ],
  processes: [
    {
      pid: 1,
      name: 'demo',
      commandLine: ['demo'],
      environment: { IOC_NAME: 'DEMO_IOC' },
      startTicks: 1,
      socketInodes: [1, 2, 3, 4],
    },
  ],
};

/**
 * An engine with one container with one IOC, all of it in this process. The IOC has no port on this
 * machine: like one in a container it is reached by a dial through its route, so the whole path
 * (sockets seen, handshake, relay, names, channels) is the real one.
 */
export function createDemoEngine(clock: Clock): Engine {
  const store = new DisposableStore();
  const values = store.add(new DemoValues(clock));
  const servers = new DemoServers(values);
  const changed = store.add(new EventEmitter<void>());
  return {
    key: 'demo:',
    state: {
      key: 'demo:',
      kind: 'demo',
      version: '',
      status: 'connected',
    },
    containers: [CONTAINER],
    onDidChange: changed.event,
    open: () => openDemoContainer(servers, clock),
    dispose: () => store.dispose(),
  };
}

function openDemoContainer(servers: DemoServers, clock: Clock): ContainerAccess {
  const store = new DisposableStore();
  return {
    routes: [store.add(createDemoRoute(servers))],
    watchSockets(events) {
      const report = clock.after(0, () => events.report(REPORT));
      return {
        lookNow: () => undefined,
        readProcessFile: () => Promise.resolve(undefined),
        dispose: () => report.dispose(),
      };
    },
    readFile: (path) => Promise.reject(new ContainerError(`the demo has no file ${path}`)),
    dispose: () => store.dispose(),
  };
}

function createDemoRoute(servers: DemoServers): Route {
  const store = new DisposableStore();
  const dial = (target: Endpoint): Promise<Duplex> => {
    const [client, server] = duplexPair();
    if (!servers.serve(target.port, server)) {
      return Promise.reject(new TransportError(`nothing listens on port ${target.port}`));
    }
    client.pause();
    const connection = store.add(toDisposable(() => client.destroy()));
    client.once('close', () => store.release(connection));
    client.on('error', () => undefined);
    return Promise.resolve(client);
  };
  return {
    kind: 'demo',
    label: 'the built-in demo',
    directEndpoint: () => undefined,
    ownEndpoint: () => undefined,
    dial,
    async openRelay(local, target, searches) {
      const relaying = await openTcpRelay(
        local,
        async () => ({ stream: await dial(target), usesOnread: false }),
        searches && { searches },
      );
      if (relaying.kind === 'listening') {
        const { relay } = relaying;
        store.add(relay);
        relay.onDidEnd(() => store.release(relay));
      }
      return relaying;
    },
    dispose: () => store.dispose(),
  };
}
