import type { ContainerInfo } from '../host/engine';
import type { IocServer, IocTracker } from './iocTracker';

/** A server as its PVs are listed and read. */
export interface PvServer extends IocServer {
  readonly container: ContainerInfo;
  readonly ioc: IocTracker;
}
