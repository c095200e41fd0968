import assert from 'node:assert/strict';
import {
  type InspectJson,
  parseContainerInfo,
  parsePortPublisher,
  runBeginsAt,
} from '../../../../src/node/engines/containerInfo';

/** Answers of Docker 20.10.24 and Podman 4.3.1, shortened to what is read. */
const docker: InspectJson = {
  Id: '6cb026fcce4b8f05ca29408c880c1d1e4368b288a2ef4a67ca08893c13caa4ca',
  Name: '/cap2',
  Image: 'sha256:47ab91c743ca9575f8379ddab4cb27870dd8a182cac64f128bb7bf60b0a865bf',
  State: {
    Status: 'running',
    Running: true,
    Paused: false,
    Pid: 16560,
    StartedAt: '2026-11-23T23:47:10.464726686Z',
  },
  Config: { Image: 'busybox-ioc:ec29870d6871', Labels: {} },
  HostConfig: { NetworkMode: 'default' },
  NetworkSettings: {
    Ports: {
      '5064/tcp': [{ HostIp: '127.0.0.1', HostPort: '45064' }],
      '5065/udp': [
        { HostIp: '0.0.0.0', HostPort: '32768' },
        { HostIp: '::', HostPort: '32768' },
      ],
      '5075/tcp': null,
      '9/sctp': [{ HostIp: '0.0.0.0', HostPort: '9' }],
    },
    GlobalIPv6Address: '',
    IPAddress: '172.29.1.2',
    Networks: { bridge: { IPAddress: '172.29.1.2', GlobalIPv6Address: 'fd00::2' } },
  },
};

const podman: InspectJson = {
  Id: 'c144b8691dc9ced335c387624b35fb932e2b2b3077b5b0625693b4da229a0862',
  Name: '/cap2',
  Image: 'sha256:480841190b4410acc5f580ecd2c86406f6bd57d16a8fb7a1462bfbff1fe4fa30',
  State: {
    Status: 'running',
    Running: true,
    Paused: false,
    Pid: 17528,
    StartedAt: '2026-11-23T23:47:15.888297314Z',
  },
  Config: { Image: 'localhost/busybox-ioc:ec29870d6871', Labels: null },
  HostConfig: { NetworkMode: 'bridge' },
  NetworkSettings: {
    Ports: { '5065/udp': [{ HostIp: '', HostPort: '39393' }] },
    GlobalIPv6Address: '',
    IPAddress: '172.29.1.6',
    Networks: { podman: { IPAddress: '172.29.1.6', GlobalIPv6Address: '' } },
  },
};

/** What no engine should send; nothing of it may be an exception, or more than text. */
describe('what an engine says wrongly of a container', () => {
  it('is left out', () => {
    const wrong = {
      Id: 5,
      Name: ['x'],
      State: { Status: 7, Error: 7, FinishedAt: {}, StartedAt: 3, Pid: 'x' },
      Config: { Image: 1, User: 2, Labels: { a: 1, b: 'kept', c: 'x'.repeat(5000) } },
      HostConfig: {
        NetworkMode: 9,
        RestartPolicy: { Name: 4 },
        PortBindings: { '5064/tcp': [{ HostIp: 4, HostPort: '5064' }] },
      },
      NetworkSettings: { IPAddress: 7, Networks: { n: { IPAddress: {} } } },
    } as unknown as InspectJson;
    const info = parseContainerInfo(wrong);
    assert.deepEqual(
      [info.id, info.name, info.labels, info.addresses],
      ['', '', { b: 'kept' }, []],
    );
    const publisher = parsePortPublisher(wrong);
    assert.deepEqual(
      [publisher?.startError, publisher?.finishedAt, publisher?.state],
      ['', '', ''],
    );
  });
});

describe('what an engine says of a container at too great length', () => {
  it('is cut, so that it harms nobody who is told', () => {
    const long = 'x'.repeat(1_200_000);
    const info = parseContainerInfo({
      ...docker,
      Name: `/${long}`,
      Config: { Image: long, Labels: { [long]: '', kept: 'label' } },
    });
    assert.deepEqual(info.labels, { kept: 'label' });
    assert.ok(JSON.stringify(info).length < 10_000);
  });
});

describe('container info', () => {
  it('is read from Docker', () => {
    assert.deepEqual(parseContainerInfo(docker), {
      id: docker.Id,
      name: 'cap2',
      image: 'busybox-ioc:ec29870d6871',
      start: { command: [], environment: {} },
      labels: {},
      status: 'running',
      pid: 16560,
      startedAt: '2026-11-23T23:47:10.464726686Z',
      run: '16560 2026-11-23T23:47:10.464726686Z',
      networkMode: 'bridge',
      addresses: ['172.29.1.2', 'fd00::2'],
      publishedPorts: [
        { transport: 'tcp', containerPort: 5064, hostIp: '127.0.0.1', hostPort: 45064 },
        { transport: 'udp', containerPort: 5065, hostIp: '0.0.0.0', hostPort: 32768 },
        { transport: 'udp', containerPort: 5065, hostIp: '::', hostPort: 32768 },
      ],
    });
  });

  it('has how its last run ended, how often it was restarted, and whether it is for an IOC', () => {
    const info = parseContainerInfo({
      ...docker,
      ...{ RestartCount: 4, Path: 'bash', Args: ['-c', '/epics/ioc/start.sh'] },
      State: { Status: 'restarting', ExitCode: 3, FinishedAt: '2026-11-23T23:48:00Z' },
      Config: { Env: ['IOC_NAME=bl01', 'SECRET=x'], Cmd: null } as object,
    });
    assert.equal(info.restartCount, 4);
    assert.deepEqual(info.ended, { exitCode: 3, finishedAt: '2026-11-23T23:48:00Z' });
    assert.deepEqual(info.start, {
      command: ['bash', '-c', '/epics/ioc/start.sh'],
      environment: { IOC_NAME: 'bl01' },
    });
    assert.doesNotMatch(JSON.stringify(info), /SECRET/);
  });

  it('is read from Podman, which leaves other things out', () => {
    const info = parseContainerInfo(podman);
    assert.deepEqual(info.labels, {});
    assert.deepEqual(info.addresses, ['172.29.1.6']);
    assert.deepEqual(info.publishedPorts, [
      { transport: 'udp', containerPort: 5065, hostIp: '0.0.0.0', hostPort: 39393 },
    ]);
  });

  it('knows paused, stopped and shared networks', () => {
    const paused = { Status: 'paused', Running: true, Paused: true, Pid: 7 };
    assert.equal(parseContainerInfo({ ...docker, State: paused }).status, 'paused');
    const exited = parseContainerInfo({ ...docker, State: { Status: 'exited', Pid: 7 } });
    assert.deepEqual([exited.status, exited.pid], ['stopped', 0]);
    const host = { ...docker, HostConfig: { NetworkMode: 'host' }, NetworkSettings: null };
    assert.deepEqual(
      [parseContainerInfo(host).networkMode, parseContainerInfo(host).addresses],
      ['host', []],
    );
  });

  it('takes an answer with nothing in it', () => {
    assert.equal(parseContainerInfo({}).status, 'stopped');
    assert.equal(parseContainerInfo({ State: null, Config: null }).name, '');
  });

  it('tells the runs of a container apart', () => {
    const runOf = (StartedAt: string, FinishedAt?: string): number | undefined =>
      runBeginsAt({ State: { StartedAt, ...(FinishedAt !== undefined && { FinishedAt }) } });
    assert.equal(runOf('2026-01-01T00:00:02.5Z', '2026-01-01T00:00:01.5Z'), 1767225602);
    assert.equal(runOf('2026-01-01T00:00:02Z', '0001-01-01T00:00:00Z'), undefined);
    assert.equal(runOf('2026-01-01T00:00:02Z'), undefined);
    assert.equal(runOf('2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z'), undefined);
  });
});
