import { EventEmitter } from '../../src/base/event';
import type { CoreApi } from '../../src/model/coreApi';
import type { ConnectedCore, CoreLoss } from '../../src/ui/windowExposure';

/** A core as a window has it, which a test may lose; `calls` is how the window left it. */
export interface WindowCore extends ConnectedCore {
  problem: Error | undefined;
  readonly calls: string[];
  lose(reason: string): void;
}

export function windowCore(frontEnd: CoreApi): WindowCore {
  const lost = new EventEmitter<CoreLoss>();
  const calls: string[] = [];
  const end = (how: string): void => {
    calls.push(how);
    frontEnd.dispose();
  };
  return {
    get snapshot() {
      return frontEnd.snapshot;
    },
    onDidChange: frontEnd.onDidChange,
    setRequest: (request) => frontEnd.setRequest(request),
    listPvs: (query, signal) => frontEnd.listPvs(query, signal),
    listBranch: (query, signal) => frontEnd.listBranch(query, signal),
    countPvs: (query, signal) => frontEnd.countPvs(query, signal),
    findAlarms: (query, signal) => frontEnd.findAlarms(query, signal),
    listContainers: (query, signal) => frontEnd.listContainers(query, signal),
    describePv: (query, signal) => frontEnd.describePv(query, signal),
    findUnlisted: (query, signal) => frontEnd.findUnlisted(query, signal),
    findSimilar: (query, signal) => frontEnd.findSimilar(query, signal),
    findRecord: (query, signal) => frontEnd.findRecord(query, signal),
    findDuplicates: (query, signal) => frontEnd.findDuplicates(query, signal),
    traceEndpoint: (query, signal) => frontEnd.traceEndpoint(query, signal),
    readContainerLog: (query, signal) => frontEnd.readContainerLog(query, signal),
    readPv: (query, signal) => frontEnd.readPv(query, signal),
    monitorPv: (address, onUpdate) => frontEnd.monitorPv(address, onUpdate),
    followPvs: (onUpdates) => frontEnd.followPvs(onUpdates),
    plotPv: (request, onUpdate) => frontEnd.plotPv(request, onUpdate),
    broker: {},
    problem: undefined,
    isConnected: true,
    onDidLose: lost.event,
    restart: async () => void calls.push('restart'),
    leave: () => end('leave'),
    close: async () => end('close'),
    dispose: () => end('dispose'),
    calls,
    lose: (reason) => lost.fire({ reason, logFile: '/log' }),
  };
}
