import { isSuccess, PvaClientConnection } from '../../protocol/pva';
import { demandAccepted } from './demandAccepted';
import type { MonitorDialect, MonitorEvents, MonitorIdentity } from './monitorDialect';
import { readingOfPva } from './readPv';

/** pvAccess monitors; the connection gives out cids and ioids, we map them. */
export function createPvaMonitorDialect(
  identity: MonitorIdentity,
  events: MonitorEvents,
): MonitorDialect {
  const idOfCid = new Map<number, number>();
  const cidOfId = new Map<number, number>();
  const idOfIoid = new Map<number, number>();

  const forget = (cid: number): number | undefined => {
    const id = idOfCid.get(cid);
    idOfCid.delete(cid);
    if (id !== undefined) cidOfId.delete(id);
    return id;
  };
  const fail = (id: number | undefined, reason: string): void => {
    if (id !== undefined) events.failed(id, reason);
  };
  /** The channel is of no more use without its monitor. */
  const end = (ioid: number, reason: string): void => {
    const id = idOfIoid.get(ioid);
    idOfIoid.delete(ioid);
    const cid = id === undefined ? undefined : cidOfId.get(id);
    if (cid === undefined) return;
    forget(cid);
    connection.destroyChannel(cid);
    fail(id, reason);
  };
  const connection = new PvaClientConnection(
    {
      onValidated(status) {
        demandAccepted(status);
        events.ready();
      },
      onChannelCreated(cid, status) {
        const id = idOfCid.get(cid);
        if (isSuccess(status) && id !== undefined) idOfIoid.set(connection.monitor(cid), id);
        else fail(forget(cid), `the IOC does not have it, or refuses it: ${status.message}`);
      },
      onChannelDestroyed: (cid) => fail(forget(cid), 'the IOC ended the channel'),
      onMonitorStarted(ioid, status) {
        if (!isSuccess(status)) end(ioid, `the IOC refused the monitor: ${status.message}`);
      },
      onMonitor(ioid, value) {
        const id = idOfIoid.get(ioid);
        if (id !== undefined) events.value(id, readingOfPva(value));
      },
      onMonitorEnd: (ioid) => end(ioid, 'the IOC ended the monitor'),
    },
    { identity: { user: identity.clientName, host: identity.hostName } },
  );
  return {
    receive: (chunk) => connection.receive(chunk),
    takeOutput: () => connection.takeOutput(),
    watch(id, name) {
      const cid = connection.createChannel(name);
      idOfCid.set(cid, id);
      cidOfId.set(id, cid);
    },
    unwatch(id) {
      const cid = cidOfId.get(id);
      if (cid === undefined) return;
      forget(cid);
      for (const [ioid, other] of idOfIoid) if (other === id) idOfIoid.delete(ioid);
      connection.destroyChannel(cid);
    },
    ping: () => {
      if (connection.isValidated) connection.echo();
    },
  };
}
