import type { Problem } from '../../src/model/problem';
import type { ServerState, Snapshot } from '../../src/model/snapshot';

/** A snapshot of one container with one IOC that has these servers; what is not given is plain. */
export function snapshotWith(servers: Partial<ServerState>[]): Snapshot {
  return {
    isSettled: true,
    engines: [],
    unknownNames: [],
    containers: [
      {
        key: 'engine#id',
        engineKey: 'engine',
        id: 'id',
        name: 'dev',
        image: 'image',
        labels: {},
        status: 'running',
        iocs: [
          {
            key: 'engine#id#1@2',
            name: 'DEV_TEST_IOC',
            pid: 1,
            commandLine: 'softIocPVX -d x.db',
            role: 'ioc',
            records: { total: 3, reachable: 3, pending: 0 },
            servers: servers.map((server, index) => ({
              key: `engine#id#1@2#${index}`,
              protocol: 'ca',
              implementation: 'rsrv',
              listening: { host: '0.0.0.0', port: 5064 },
              status: 'exposed',
              pvs: { total: 3, reachable: 3, pending: 0 },
              ...server,
            })),
          },
        ],
      },
    ],
  };
}

/** Port 5064 of this machine is held by a `socat`. */
export const PORT_TAKEN: Problem = {
  code: 'port-taken',
  port: 5064,
  taken: [
    {
      endpoint: { host: '127.0.0.1', port: 5064 },
      refusal: { why: 'held', owner: { process: { pid: 7, command: 'socat' } } },
    },
  ],
};
