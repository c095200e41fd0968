import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';
import { isErrorCode } from '../../../../src/base/errors';
import {
  brokerPaths,
  checkPlace,
  type PlaceSystem,
  preparePlace,
} from '../../../../src/node/broker/brokerPaths';
import { dialBroker } from '../../../../src/node/broker/dialBroker';
import { systemClock } from '../../../../src/node/systemClock';
import { skip } from '../../../support/skip';

const STRANGER = 54_321;
const never = new AbortController().signal;

describe("the broker's place", function () {
  let root: string;
  let server: Server | undefined;
  let connections = 0;

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    root = fs.mkdtempSync(join(tmpdir(), 'eep-'));
    connections = 0;
  });
  afterEach(() => {
    server?.close();
    server = undefined;
    fs.rmSync(root, { recursive: true, force: true });
  });

  const make = (name: string, mode = 0o700): string => {
    const folder = join(root, name);
    fs.mkdirSync(folder, { recursive: true });
    fs.chmodSync(folder, mode);
    return folder;
  };
  const placeAt = (folder: string): NonNullable<ReturnType<typeof brokerPaths>> => {
    const place = brokerPaths({ EPICS_EXPOSE_BROKER_DIR: folder });
    assert.ok(place);
    return place;
  };
  const listen = async (path: string): Promise<void> => {
    server = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(path);
    await once(server, 'listening');
  };
  /** Nobody is connected to, and it is said what to do. */
  const assertDistrusted = async (folder: string, why: RegExp): Promise<void> => {
    const place = placeAt(folder);
    const isSaid = (error: unknown): boolean =>
      isErrorCode(error, 'usage') && why.test(String(error)) && /BROKER_DIR/.test(String(error));
    await assert.rejects(dialBroker(place, systemClock, never), isSaid);
    assert.throws(() => preparePlace(place), isSaid);
    assert.equal(connections, 0);
  };

  it('is dialled where folder and socket are ours alone', async () => {
    const place = placeAt(make('own'));
    assert.equal(await dialBroker(place, systemClock, never), undefined);
    await listen(place.socket);
    const socket = await dialBroker(place, systemClock, never);
    assert.ok(socket);
    socket.destroy();
  });

  it('is not dialled where others may write in the folder', async () => {
    for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
      const folder = make(`open${mode}`, mode);
      await listen(join(folder, 'broker.sock'));
      await assertDistrusted(folder, /other users may write to .*chmod 700/);
      server?.close();
    }
  });

  it('is not dialled through a link, nor where something else is in its place', async () => {
    const real = make('real');
    await listen(join(real, 'broker.sock'));
    fs.symlinkSync(real, join(root, 'link'));
    await assertDistrusted(join(root, 'link'), /symbolic link/);
    const other = make('other');
    fs.symlinkSync(join(real, 'broker.sock'), join(other, 'broker.sock'));
    await assertDistrusted(other, /is not a socket/);
  });

  it("is not dialled where folder, socket, or a folder above are somebody else's", async function () {
    if (process.getuid?.() !== 0) skip(this, 'needs root, to give files away', 'platform');
    const theirs = make('theirs');
    await listen(join(theirs, 'broker.sock'));
    fs.chownSync(theirs, STRANGER, STRANGER);
    await assertDistrusted(theirs, /belongs to another user \(uid 54321\)/);
    fs.chownSync(theirs, 0, 0);
    fs.chownSync(join(theirs, 'broker.sock'), STRANGER, STRANGER);
    await assertDistrusted(theirs, /broker\.sock belongs to another user/);
    fs.chownSync(join(theirs, 'broker.sock'), 0, 0);
    const parent = make('parent');
    fs.renameSync(theirs, join(parent, 'ours'));
    fs.chownSync(parent, STRANGER, STRANGER);
    await assertDistrusted(join(parent, 'ours'), /below .*parent/);
    fs.chownSync(parent, 0, STRANGER);
    fs.chmodSync(parent, 0o770);
    await assertDistrusted(join(parent, 'ours'), /below .*parent/);
    fs.chmodSync(parent, 0o1777);
    const socket = await dialBroker(placeAt(join(parent, 'ours')), systemClock, never);
    assert.ok(socket, 'as in /tmp, where only the owner may rename');
    socket.destroy();
    fs.symlinkSync(parent, join(root, 'way'));
    fs.lchownSync(join(root, 'way'), STRANGER, STRANGER);
    connections = 0;
    await assertDistrusted(join(root, 'way', 'ours'), /below .*way/);
  });

  it('is made for its user alone', () => {
    const place = placeAt(join(root, 'a', 'b'));
    checkPlace(place);
    preparePlace(place);
    for (const folder of [join(root, 'a'), place.folder]) {
      assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
    }
    fs.chmodSync(place.folder, 0o755);
    preparePlace(place);
    assert.equal(fs.statSync(place.folder).mode & 0o777, 0o700);
  });

  describe('where nobody chose one', () => {
    const system = (more: Partial<PlaceSystem> = {}): PlaceSystem => ({
      platform: 'linux',
      uid: process.getuid?.(),
      homes: [make('home')],
      hostName: 'desk.lab.example',
      runtimeRoot: make('run'),
      ...more,
    });
    const folderOf = (env: NodeJS.ProcessEnv, its: PlaceSystem): string | undefined =>
      brokerPaths(env, its)?.folder.replace(root, '');

    it('is the same with and without XDG_RUNTIME_DIR, and never in a folder that all share', () => {
      const its = system();
      for (const env of [{}, { XDG_RUNTIME_DIR: make('elsewhere') }, { TMPDIR: root }]) {
        assert.equal(folderOf(env, its), '/home/.cache/epics-expose/desk');
      }
      make(`run/${its.uid}`);
      for (const env of [{}, { XDG_RUNTIME_DIR: join(root, 'run', String(its.uid)) }]) {
        assert.equal(folderOf(env, its), `/run/${its.uid}/epics-expose`);
      }
    });

    it('stays where a broker is that was there before the first session', async () => {
      const its = system();
      const before = brokerPaths({}, its);
      assert.ok(before);
      preparePlace(before);
      await listen(before.socket);
      make(`run/${its.uid}`);
      assert.equal(brokerPaths({}, its)?.folder, before.folder);
    });

    it("is below the account's home where HOME is somebody else's", function () {
      if (process.getuid?.() !== 0) skip(this, 'needs root, to give files away', 'platform');
      const theirs = make('theirs');
      fs.chownSync(theirs, STRANGER, STRANGER);
      const its = system({ homes: [theirs, make('mine')] });
      assert.equal(folderOf({}, its), '/mine/.cache/epics-expose/desk');
    });

    it('is where caches are on other systems', () => {
      const folder = '/home/Library/Caches/epics-expose';
      assert.equal(folderOf({}, system({ platform: 'darwin' })), folder);
    });

    it('is none with EPICS_EXPOSE_BROKER=off', () =>
      assert.equal(brokerPaths({ EPICS_EXPOSE_BROKER: 'off' }), undefined));
  });
});
