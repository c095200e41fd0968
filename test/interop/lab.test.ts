import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import {
  caget,
  cajGet,
  camonitor,
  caprotoGet,
  corePva473Get,
  corePvaGet,
  nameServers,
  p4pGet,
  p4pMonitor,
  pvaPyGet,
  searchAddresses,
  type ClientResult,
} from '../support/clients';
import { runIoc, runKeeper } from '../support/lab/container';
import { devcontainerUp } from '../support/lab/devcontainer';
import {
  missingFor,
  startDocker,
  startPodman,
  startRootlessPodman,
  type EngineKind,
  type LabEngine,
} from '../support/lab/engine';
import { imageNames } from '../support/lab/image';
import type { IocKind } from '../support/lab/ioc';
import { needsEngine, needsIocs, needsJava } from '../support/lab/needs';
import { isRunning } from '../support/lab/process';
import { isOwned, listSlots } from '../support/lab/slot';
import { freePort } from '../support/freePort';
import { skip } from '../support/skip';

/** The lab itself: what the other interop tests stand on has to be real and to leave nothing. */
const kinds: EngineKind[] = ['docker', 'podman', 'rootless'];

const temperature = (result: ClientResult | undefined): unknown =>
  result?.ok ? { value: result.value, units: result.units } : result?.error;

for (const kind of kinds) {
  describe(`lab: ${kind}`, () => {
    let engine: LabEngine;

    before(async function () {
      engine = await needsEngine(this, kind);
    });

    it('reads an IOC through its published ports, after a restart too', async () => {
      const [caPort, pvaPort] = [await freePort(), await freePort()];
      let ioc = await runIoc(engine, {
        macros: `P=${kind}:`,
        publish: [`127.0.0.1:${caPort}:5064`, `127.0.0.1:${pvaPort}:${pvaPort}`],
        // PVXS clients take the port from the search reply: the same number on both sides.
        env: { EPICS_PVAS_SERVER_PORT: `${pvaPort}` },
      });
      try {
        const environment = nameServers({
          ca: [`127.0.0.1:${caPort}`],
          pva: [`127.0.0.1:${pvaPort}`],
        });
        for (let round = 0; round < 2; round++) {
          const [ca] = await caget([`${kind}:TEMPERATURE`], environment);
          assert.deepEqual(temperature(ca), { value: 21.5, units: 'C' });
          const [pva] = await p4pGet([`${kind}:T`], environment);
          assert.deepEqual(temperature(pva), { value: 21.5, units: 'C' });
          if (round === 0) ioc = await ioc.restart();
        }
      } finally {
        await ioc.remove();
      }
    });

    it('runs two IOCs in one container and ends them one by one', async () => {
      const box = await runKeeper(engine);
      try {
        const first = await box.startIoc({ ioc: 'softIocCa', macros: 'P=A:' });
        const second = await box.startIoc({ ioc: 'softIocPva', macros: 'P=B:' });
        assert.deepEqual(
          first.listeners.map(({ port }) => port),
          [5064],
        );
        assert.ok(second.listeners.every(({ port }) => port !== 5064));
        await first.kill();
        assert.equal(isRunning(first.pid), false);
        assert.equal(isRunning(second.pid), true);
        await second.kill('SIGTERM');
        assert.match((await box.exec(['cat', '/proc/net/tcp'])).stdout, /^ *sl/);
      } finally {
        await box.remove();
      }
    });

    it('brings up a dev container, in which an IOC comes and goes', async () => {
      const { container, exec } = await devcontainerUp(engine);
      try {
        assert.match(
          await exec(['softIocPvx', '-h']).catch((error: Error) => error.message),
          /usage: softIocPvx/,
        );
        const ioc = await container.startIoc({ isLoopbackOnly: true });
        assert.ok(ioc.listeners.every(({ host }) => host === '127.0.0.1'));
        await ioc.kill();
      } finally {
        await container.remove();
      }
    });
  });
}

describe('lab: images', () => {
  for (const image of imageNames) {
    it(`${image} serves`, async function () {
      const engine = await needsEngine(this, 'docker');
      if (image === 'java-ioc') needsJava(this);
      const ioc = await runIoc(engine, { image, ioc: 'softIocPva', user: '1000:1000' });
      try {
        const address = await ioc.address();
        const [result] = await caget(['DEMO:TEMPERATURE'], nameServers({ ca: [address] }));
        assert.deepEqual(temperature(result), { value: 21.5, units: 'C' });
      } finally {
        await ioc.remove();
      }
    });
  }

  it('have the tools they are named for and no others', async function () {
    const engine = await needsEngine(this, 'docker');
    const bare = await runIoc(engine, { image: 'bare-ioc' });
    const busybox = await runKeeper(engine);
    try {
      assert.match((await bare.exec(['sh', '-c', 'true'])).stdout, /executable file not found/);
      const { stdout } = await busybox.exec(['sh', '-c', 'command -v nc python3 node bash socat']);
      assert.equal(stdout.trim(), 'nc');
    } finally {
      await bare.remove();
      await busybox.remove();
    }
  });
});

describe('lab: servers', () => {
  const asCa = ['softIocCa', 'softIocPva', 'softIocPvx', 'pythonSoftIoc', 'caproto'] as const;
  const asPva = ['softIocPva', 'softIocPvx', 'pythonSoftIoc', 'p4p', 'pvaPy'] as const;
  const all = [...new Set<IocKind>([...asCa, ...asPva])];
  const listed = (kindsOf: readonly IocKind[], ioc: IocKind): boolean => kindsOf.includes(ioc);

  for (const ioc of all) {
    it(`${ioc} answers its clients`, async function () {
      const engine = await needsEngine(this, 'docker');
      const container = await runIoc(engine, { ioc });
      try {
        const address = await container.address();
        const search = searchAddresses({ ca: [address], pva: [address] });
        const gets = [
          ...(listed(asCa, ioc) ? [caget, caprotoGet] : []),
          ...(listed(asPva, ioc) ? [p4pGet, pvaPyGet] : []),
        ];
        for (const get of gets) {
          const [result] = await get(['DEMO:TEMPERATURE'], search, 10_000);
          assert.deepEqual(temperature(result), { value: 21.5, units: 'C' });
        }
      } finally {
        await container.remove();
      }
    });
  }

  it('the clients in Java and core-pva', async function () {
    const engine = await needsEngine(this, 'docker');
    needsJava(this);
    for (const [ioc, gets] of [
      ['softIocPvx', [cajGet, corePvaGet, corePva473Get]],
      ['corePva', [p4pGet, pvaPyGet, corePvaGet, corePva473Get]],
    ] as const) {
      const container = await runIoc(engine, { ioc });
      try {
        const address = await container.address();
        const search = searchAddresses({ ca: [address], pva: [address] });
        for (const get of gets) {
          const [result] = await get(['DEMO:TEMPERATURE'], search, 10_000);
          assert.deepEqual(temperature(result), { value: 21.5, units: 'C' });
        }
      } finally {
        await container.remove();
      }
    }
  });

  it('a startup script loads a template, and its list of names can be read', async function () {
    const engine = await needsEngine(this, 'docker');
    const ioc = await runIoc(engine, { script: 'st.cmd', env: { IOC_PREFIX: 'ST:' } });
    try {
      const { stdout } = await ioc.exec(['cat', '/tmp/pvlist.txt']);
      assert.ok(stdout.split('\n').includes('ST:Y:READBACK'), stdout);
    } finally {
      await ioc.remove();
    }
  });

  it('monitors see the IOC go away and come back', async function () {
    const engine = await needsEngine(this, 'docker');
    const box = await runKeeper(engine);
    const address = await box.address();
    let ioc = await box.startIoc();
    const environment = nameServers({ ca: [address], pva: [address] });
    const monitors = [camonitor, p4pMonitor].map((watch) => watch(['DEMO:COUNT'], environment));
    try {
      await Promise.all(monitors.map((monitor) => monitor.next(({ ok }) => ok)));
      await ioc.kill();
      await Promise.all(monitors.map((monitor) => monitor.next(({ ok }) => !ok)));
      ioc = await box.startIoc();
      await Promise.all(monitors.map((monitor) => monitor.next(({ ok }) => ok, 60_000)));
    } finally {
      await Promise.all(monitors.map((monitor) => monitor.close()));
      await box.remove();
    }
  });
});

describe('lab: nothing is left behind', () => {
  for (const [kind, start] of [
    ['docker', startDocker],
    ['podman', startPodman],
    ['rootless', startRootlessPodman],
  ] as const) {
    it(`by ${kind} with a container running`, async function () {
      const missing = missingFor(kind);
      if (missing) skip(this, `${kind}: ${missing}`, 'engines');
      needsIocs(this);
      const engine = await start();
      const ioc = await runIoc(engine, { publish: [`127.0.0.1:${await freePort()}:5064`] });
      const pid = await ioc.pid();
      engine.stop();
      assert.equal(isRunning(pid), false);
      assert.deepEqual(tracesOf(engine), []);
    });

    it(`by a run with ${kind} that was killed, once the next one begins`, async function () {
      const missing = missingFor(kind);
      if (missing) skip(this, `${kind}: ${missing}`, 'engines');
      needsIocs(this);
      const script = [
        `const { startDocker, startPodman, startRootlessPodman } = require('${__dirname}/../support/lab/engine');`,
        `const { runIoc } = require('${__dirname}/../support/lab/container');`,
        `const start = { docker: startDocker, podman: startPodman, rootless: startRootlessPodman }.${kind};`,
        `start().then((engine) => runIoc(engine).then(() => console.log(engine.folder)))`,
        `  .then(() => process.kill(process.pid, 'SIGKILL'));`,
      ].join('\n');
      const folder = outputOfKilled(script);
      assert.ok(existsSync(folder), folder);
      const next = await start();
      next.stop();
      assert.deepEqual(tracesOf({ ...next, folder }), []);
      assert.ok(listSlots().every(isOwned));
    });
  }
});

/** Prints, then kills itself: the output is in the error. */
function outputOfKilled(script: string): string {
  try {
    execFileSync(process.execPath, ['--import', 'tsx', '-e', script], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout.trim();
  }
  throw new Error('it was to be killed');
}

/** Where an engine could still be seen after its end: folder, mounts, processes, links, user, cgroups. */
function tracesOf(engine: LabEngine): string[] {
  // Another run on this machine may have taken the slot by now; what is there is then its own.
  if (listSlots().some((slot) => slot.folder === engine.folder && isOwned(slot))) return [];
  const name = `exlab${engine.folder.split('/').at(-1)}`;
  const lines = (text: string): string[] => text.split('\n');
  const places = {
    mount: readFileSync('/proc/self/mountinfo', 'utf8'),
    process: execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8', maxBuffer: 2 ** 28 }),
    link: execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }),
    user: ['passwd', 'subuid', 'subgid'].map((file) => readFileSync(`/etc/${file}`, 'utf8')).join(),
    cgroup: execFileSync('find', ['/sys/fs/cgroup', '-type', 'd'], { encoding: 'utf8' }),
  };
  const traces = Object.entries(places).flatMap(([place, text]) =>
    lines(text)
      .filter((line) => !line.startsWith('Z'))
      .filter((line) => line.includes(`${engine.folder}/`) || new RegExp(`${name}p?\\b`).test(line))
      .map((line) => `${place}: ${line}`),
  );
  return existsSync(engine.folder) ? [engine.folder, ...traces] : traces;
}
