import { hostname } from 'node:os';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { LabEngine } from './engine';
import { importImage, iocFolder, type ImageName } from './image';
import { until } from '../until';
import { isRunning, type Listener } from './process';
import { iocCommand, waitForListeners, type IocKind, type IocOptions } from './ioc';

export interface ContainerOptions extends IocOptions {
  /** Default busybox-ioc, or the one with what the IOC is written in. */
  image?: ImageName;
  name?: string;
  labels?: Record<string, string>;
  /** `bridge`, `none`, `host`, `container:ID`, or the name of a network. */
  network?: string;
  /** As in `docker run -p`: `127.0.0.1:5064:5064/tcp`, also without the address or the protocol. */
  publish?: string[];
  user?: string;
  readOnly?: boolean;
  /** Drops every capability and new privileges, as hardened deployments do. */
  hardened?: boolean;
  hostname?: string;
  binds?: string[];
  init?: boolean;
  /** A restart policy: `always`, `on-failure`. */
  restart?: string;
  /** The name of this machine is unknown in there, as is usual. */
  knowsNoHost?: boolean;
  tty?: boolean;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** An IOC started inside a running container, which is not the container's first process. */
export interface IocProcess {
  /** As the machine counts. */
  pid: number;
  /** What it listens on, as seen inside the container. */
  listeners: Listener[];
  /** Ends it and returns when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export class LabContainer {
  constructor(
    readonly engine: LabEngine,
    readonly id: string,
    readonly name: string,
    /** What the first process listens on; empty where that is no IOC. */
    readonly listeners: Listener[],
    private readonly expected: IocOptions | undefined,
  ) {}

  /** One that something else has made, such as the Dev Containers CLI or compose. */
  static async attach(engine: LabEngine, id: string): Promise<LabContainer> {
    const { Id, Name } = await engine.client.getContainer(id).inspect();
    return new LabContainer(engine, Id, Name.replace(/^\//, ''), [], undefined);
  }

  get #container(): Docker.Container {
    return this.engine.client.getContainer(this.id);
  }

  inspect(): Promise<Docker.ContainerInspectInfo> {
    return this.#container.inspect();
  }

  /** Of the first process, as the machine counts. */
  async pid(): Promise<number> {
    return (await this.inspect()).State.Pid;
  }

  /** Empty on host and none networks, and not to be reached from outside a rootless engine. */
  async address(): Promise<string> {
    const { Networks } = (await this.inspect()).NetworkSettings;
    return Object.values(Networks).find((network) => network.IPAddress)?.IPAddress ?? '';
  }

  async exec(command: string[], environment: Record<string, string> = {}): Promise<ExecResult> {
    const exec = await this.#container.exec({
      Cmd: command,
      Env: assignments(environment),
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    this.engine.client.modem.demuxStream(stream, stdout, stderr);
    const ended = new Promise<void>((resolve, reject) => {
      stream.once('end', resolve).once('error', reject);
    });
    const texts = [textOf(stdout), textOf(stderr)];
    await ended;
    stdout.end();
    stderr.end();
    const [out = '', err = ''] = await Promise.all(texts);
    return { stdout: out, stderr: err, exitCode: (await exec.inspect()).ExitCode ?? -1 };
  }

  /** Starts a program in that folder and does not wait for it; it ends with the container. */
  async spawn(command: string[], folder: string, user?: string): Promise<void> {
    const exec = await this.#container.exec({
      Cmd: command,
      WorkingDir: folder,
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'TERM=xterm', 'HOME=/tmp'],
      ...(user !== undefined && { User: user }),
      Tty: true,
    });
    await exec.start({ Detach: true, Tty: true });
  }

  /** Starts one more IOC, as a developer does in a dev container, and waits until it listens. */
  async startIoc(options: IocOptions = {}): Promise<IocProcess> {
    const { command, environment } = iocCommand(options);
    const exec = await this.#container.exec({ Cmd: command, Env: assignments(environment) });
    await exec.start({ Detach: true });
    const pid = await pidOf(exec);
    const listeners = await waitForListeners(pid, options, () => this.logs());
    return { pid, listeners, kill: (signal = 'SIGKILL') => endProcess(pid, signal) };
  }

  /** Stops and starts the container, and waits until an IOC that is its first process listens. */
  async restart(): Promise<LabContainer> {
    await this.#container.restart({ t: 2 });
    return this.#afterStart();
  }

  async start(): Promise<LabContainer> {
    await this.#container.start();
    return this.#afterStart();
  }

  async stop(): Promise<void> {
    await this.#container.stop({ t: 2 });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#container.kill({ signal });
  }

  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async unpause(): Promise<void> {
    await this.#container.unpause();
  }

  async remove(): Promise<void> {
    // Podman refuses ("state improper") while its own restart of the container is under way.
    await until(() => this.#removed(), 20_000, `the end of container ${this.name}`);
  }

  async #removed(): Promise<boolean> {
    try {
      await this.#container.remove({ force: true, v: true });
      return true;
    } catch (error) {
      if (error instanceof Error && /state improper/.test(error.message)) return false;
      throw error;
    }
  }

  async logs(): Promise<string> {
    const bytes = await this.#container.logs({ stdout: true, stderr: true, tail: 30 });
    // Eight bytes of header before each piece, all of them below the space but the length's last.
    return bytes.toString('utf8').replace(/[\0-\x08]/g, '');
  }

  async #afterStart(): Promise<LabContainer> {
    const listeners = this.expected
      ? await waitForListeners(await this.pid(), this.expected, () => this.logs())
      : [];
    return new LabContainer(this.engine, this.id, this.name, listeners, this.expected);
  }
}

/** Starts a container whose first process is the IOC, and waits until that listens. */
export async function runIoc(
  engine: LabEngine,
  options: ContainerOptions = {},
): Promise<LabContainer> {
  const { command, environment } = iocCommand(options);
  return run(engine, command, environment, options, options);
}

/** Starts a container that only stays alive, as a dev container does: IOCs come by `startIoc`. */
export async function runKeeper(
  engine: LabEngine,
  options: Omit<ContainerOptions, keyof IocOptions> & { env?: Record<string, string> } = {},
): Promise<LabContainer> {
  const loop = 'trap "exit 0" TERM; while sleep 1 & wait $!; do :; done';
  return run(engine, ['sh', '-c', loop], options.env ?? {}, options, undefined);
}

/** Starts a container whose first process is any program, and waits for nothing. */
export async function runProgram(
  engine: LabEngine,
  command: string[],
  options: ContainerOptions & { env?: Record<string, string> } = {},
): Promise<LabContainer> {
  return run(engine, command, options.env ?? {}, options, undefined);
}

async function run(
  engine: LabEngine,
  command: string[],
  environment: Record<string, string>,
  options: ContainerOptions,
  expected: IocOptions | undefined,
): Promise<LabContainer> {
  const image = await importImage(engine, options.image ?? imageFor(command, expected?.ioc));
  const { exposed, bindings } = portsOf(options.publish ?? []);
  const container = await engine.client.createContainer({
    ...(options.name ? { name: options.name } : {}),
    ...(options.hostname ? { Hostname: options.hostname } : {}),
    ...(options.user ? { User: options.user } : {}),
    Image: image,
    Cmd: command,
    Env: assignments(environment),
    Labels: options.labels ?? {},
    WorkingDir: iocFolder,
    Tty: options.tty ?? false,
    OpenStdin: options.tty ?? false,
    ExposedPorts: exposed,
    HostConfig: {
      PortBindings: bindings,
      ReadonlyRootfs: options.readOnly ?? false,
      Binds: options.binds ?? [],
      ...(options.network ? { NetworkMode: options.network } : {}),
      ...(options.init ? { Init: true } : {}),
      ...(options.restart ? { RestartPolicy: { Name: options.restart } } : {}),
      // A core-pva server ends the circuit of a client whose machine's name it cannot resolve.
      ...(expected?.ioc === 'corePva' && !options.knowsNoHost
        ? { ExtraHosts: [`${hostname()}:127.0.0.1`] }
        : {}),
      ...(options.hardened ? { CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] } : {}),
    },
  });
  const { name } = await LabContainer.attach(engine, container.id);
  const made = new LabContainer(engine, container.id, name, [], expected);
  try {
    return await made.start();
  } catch (error) {
    await made.remove();
    throw error;
  }
}

function imageFor(command: string[], ioc: IocKind | undefined): ImageName {
  if (ioc === 'corePva') return 'java-ioc';
  return command[0] === 'python3' || ioc === 'pvagw' ? 'py-ioc' : 'busybox-ioc';
}

function portsOf(publish: string[]): {
  exposed: Record<string, object>;
  bindings: Record<string, { HostIp: string; HostPort: string }[]>;
} {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const entry of publish) {
    const [addresses = '', protocol = 'tcp'] = entry.split('/');
    const [, ipv6, ipv4, hostPort = '', inside] =
      /^(?:\[(.*)\]:|([\d.]*):(?=.*:))?(?:(\d*):)?(\d+)$/.exec(addresses) ?? [];
    const port = `${inside}/${protocol}`;
    exposed[port] = {};
    (bindings[port] ??= []).push({ HostIp: ipv6 ?? ipv4 ?? '', HostPort: hostPort });
  }
  return { exposed, bindings };
}

async function endProcess(pid: number, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(pid)) return;
  process.kill(pid, signal);
  await until(() => !isRunning(pid), 10_000, `process ${pid} to end after ${signal}`);
}

/** Podman answers with an error (500) for the moment in which a detached exec begins. */
async function pidOf(exec: Docker.Exec): Promise<number> {
  let pid = 0;
  const isKnown = async (): Promise<boolean> => {
    const state = await exec.inspect().catch(() => undefined);
    pid = state?.Pid ?? 0;
    return pid > 0;
  };
  await until(isKnown, 10_000, 'the process of an exec');
  return pid;
}

function assignments(environment: Record<string, string>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

async function textOf(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
