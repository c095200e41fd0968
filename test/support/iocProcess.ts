import type { ProcessInfo } from '../../src/services/host/socketReport';

/** A process of a container with the given facts. */
export function iocProcess(facts: Partial<ProcessInfo>): ProcessInfo {
  return {
    pid: 10,
    name: 'ioc',
    commandLine: [],
    environment: {},
    startTicks: 1000,
    socketInodes: [],
    ...facts,
  };
}
