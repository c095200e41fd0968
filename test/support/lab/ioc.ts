import { until } from '../until';
import { epicsFolder, iocFolder, javaFolder } from './image';
import { isRunning, listenersOf, type Listener } from './process';

/**
 * The servers of the field. The first three are EPICS databases: Channel Access only, with QSRV1
 * (pvAccessCPP), with QSRV2 (PVXS). The others are programs in Python, and one in Java, over other
 * implementations.
 */
export type IocKind =
  | 'softIocCa'
  | 'softIocPva'
  | 'softIocPvx'
  | 'pythonSoftIoc'
  | 'caproto'
  | 'p4p'
  | 'pvaPy'
  | 'corePva'
  | 'pvagw'
  | 'cameraP4p'
  | 'plotP4p'
  | 'cameraIoc';

export interface IocOptions {
  /** Default softIocPvx. */
  ioc?: IocKind;
  /** Files of test/fixtures/ioc or absolute paths in the container; default demo.db. */
  db?: string[];
  /** As for dbLoadRecords, `P=DEMO:`. The programs understand P alone. */
  macros?: string;
  /** A startup script instead of databases. */
  script?: string;
  env?: Record<string, string>;
  /** Of `pvagw`: the address of the IOC behind it. */
  behind?: string;
  /** Binds the container's loopback only. */
  isLoopbackOnly?: boolean;
}

const scripts = {
  pythonSoftIoc: 'pythonSoftIoc.py',
  caproto: 'caprotoIoc.py',
  p4p: 'p4pServer.py',
  pvaPy: 'pvaPyServer.py',
  cameraP4p: 'cameraP4p.py',
  plotP4p: 'plotP4p.py',
  cameraIoc: 'cameraIoc.py',
} as const;

/** Number of TCP listeners once it serves: one for each protocol it speaks. */
const listenerCounts: Record<IocKind, number> = {
  softIocCa: 1,
  softIocPva: 2,
  softIocPvx: 2,
  pythonSoftIoc: 2,
  caproto: 1,
  p4p: 1,
  pvaPy: 1,
  corePva: 1,
  pvagw: 1,
  cameraP4p: 1,
  plotP4p: 1,
  cameraIoc: 2,
};

export function iocCommand(options: IocOptions): {
  command: string[];
  environment: Record<string, string>;
} {
  const kind = options.ioc ?? 'softIocPvx';
  const environment = {
    ...(options.isLoopbackOnly
      ? { EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1', EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1' }
      : {}),
    ...options.env,
  };
  const prefix = /(?:^|,)P=([^,]*)/.exec(options.macros ?? '')?.[1] ?? 'DEMO:';
  if (kind in scripts) {
    const script = `${iocFolder}/${scripts[kind as keyof typeof scripts]}`;
    return {
      command: ['python3', script, prefix],
      environment: { PYTHONPATH: '/opt/python', PYTHONUNBUFFERED: '1', ...environment },
    };
  }
  if (kind === 'corePva') {
    const classes = `${javaFolder}/core-pva/*:${javaFolder}/core-pva/classes`;
    const java = `${javaFolder}/jre/bin/java`;
    return {
      command: [java, '-cp', classes, 'CorePvaServer', prefix],
      environment: { ...withoutIpv6, ...environment },
    };
  }
  if (kind === 'pvagw') {
    const write = `printf %s '${gatewayConfiguration(options.behind ?? '')}' >/tmp/gateway.json`;
    return {
      command: ['sh', '-c', `${write}; exec python3 -m p4p.gw /tmp/gateway.json`],
      environment: { PYTHONPATH: '/opt/python', PYTHONUNBUFFERED: '1', ...environment },
    };
  }
  const macros = options.macros ? ['-m', options.macros] : [];
  const databases = options.script ? [] : (options.db ?? ['demo.db']);
  return {
    command: [
      `${epicsFolder}/bin/${kind}`,
      ...macros,
      ...databases.flatMap((file) => ['-d', placeOf(file)]),
      ...(options.script ? [placeOf(options.script)] : []),
    ],
    environment,
  };
}

/** A core-pva server does not start without IPv6, as in Docker's containers, unless told all this. */
const withoutIpv6 = {
  EPICS_PVA_ENABLE_IPV6: 'NO',
  EPICS_PVAS_INTF_ADDR_LIST: '0.0.0.0 224.0.0.128,1@127.0.0.1',
};

/** As p4p's own documentation has it: one server, one client, no access rules. */
function gatewayConfiguration(address: string): string {
  return JSON.stringify({
    version: 2,
    clients: [{ name: 'behind', provider: 'pva', addrlist: address, autoaddrlist: false }],
    servers: [
      {
        name: 'front',
        clients: ['behind'],
        interface: ['0.0.0.0'],
        serverport: 5075,
        bcastport: 5076,
      },
    ],
  });
}

const placeOf = (file: string): string => (file.startsWith('/') ? file : `${iocFolder}/${file}`);

/** Looks at the process's own sockets, so it tells two IOCs in one container apart. */
export async function waitForListeners(
  pid: number,
  options: IocOptions,
  log: () => Promise<string>,
): Promise<Listener[]> {
  const expected = listenerCounts[options.ioc ?? 'softIocPvx'];
  try {
    await until(
      () => !isRunning(pid) || listenersOf(pid).length >= expected,
      30_000,
      `${expected} listeners of process ${pid}`,
    );
    if (!isRunning(pid)) throw new Error(`process ${pid} ended before it listened`);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${await log().catch(() => '')}`);
  }
  return listenersOf(pid);
}
