/** What a CA monitor leaves with the IOC when it ends, however far it got; and reads that fail. */
import assert from 'node:assert/strict';
import { isErrorCode } from '../../../../src/base/errors';
import {
  type CaServerMessage,
  encodeServerMessage,
  FrameWriter,
} from '../../../../src/protocol/ca';
import { CaAdapter } from '../../../../src/services/upstream/caAdapter';
import type { Channel } from '../../../../src/services/upstream/protocolAdapter';

const EVENT_ADD = 1;
const CLEAR_CHANNEL = 12;
const READ_NOTIFY = 15;
const ECA_NORMAL = 1;
const ECA_BADCOUNT = 176;
const ECA_NORDACCESS = 368;
/** Of the first channel, and of the first read. */
const CID = 1;
const IOID = 0;

describe('a CA monitor that ends', () => {
  const failures: string[] = [];
  let adapter: CaAdapter;
  let channel: Channel;

  /** The commands of what it says; none has a payload that could be taken for a header. */
  const said = (): number[] => {
    const bytes = adapter.takeOutput();
    const commands: number[] = [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 16 + view.getUint16(at + 2)) {
      commands.push(view.getUint16(at));
    }
    return commands;
  };
  const hear = (...messages: CaServerMessage[]): void => {
    const writer = new FrameWriter();
    for (const message of messages) encodeServerMessage(writer, message);
    adapter.receive(writer.take());
  };
  const created = (nativeType = 6): CaServerMessage => {
    return { command: 'CREATE_CHAN', cid: CID, sid: 7, nativeType, count: 1 };
  };

  beforeEach(() => {
    failures.length = 0;
    adapter = new CaAdapter(
      { clientName: 'ann', hostName: 'desk' },
      { ready: () => undefined, searched: () => undefined },
    );
    hear({ command: 'VERSION', minor: 13, sequence: undefined }, { command: 'ECHO' });
    const failed = (reason: string): unknown => failures.push(reason);
    channel = adapter.openChannel('X', {
      opened: () => channel.monitor({ value: () => undefined, stalled: () => undefined, failed }),
      refused: () => failed('refused'),
      lost: () => failed('the IOC ended the channel'),
    });
    said();
  });

  it('while its channel is being created clears it when it is', () => {
    channel.close();
    assert.deepEqual(said(), []);
    hear(created());
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
  });

  it('while it reads the units clears its channel at once', () => {
    hear(created());
    assert.deepEqual(said(), [READ_NOTIFY]);
    channel.close();
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
    assert.deepEqual(failures, []);
  });

  it('while it has updates clears its channel, with which its subscription ends', () => {
    hear(created());
    said();
    const units = { dbrType: 34, count: 1, eca: 1, ioid: IOID, payload: new Uint8Array(96) };
    hear({ command: 'READ_NOTIFY', ...units });
    assert.deepEqual(said(), [EVENT_ADD]);
    channel.close();
    // caproto would end the channel by itself for an EVENT_CANCEL, and say that we broke the rules.
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
  });

  it('because the IOC refuses the read clears its channel', () => {
    hear(created());
    said();
    const payload = new Uint8Array(0);
    hear({
      ...{ command: 'READ_NOTIFY', dbrType: 34, count: 0, eca: ECA_NORDACCESS, ioid: IOID },
      payload,
    });
    assert.match(failures.join(), /refused the read/);
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
    channel.close();
    assert.deepEqual(said(), [], 'once');
  });

  it('because there is no such type clears its channel', () => {
    hear(created(77));
    assert.match(failures.join(), /native type 77/);
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
  });

  it('because the IOC ended its channel has nothing to clear', () => {
    hear(created(), { command: 'SERVER_DISCONN', cid: CID });
    assert.match(failures.join(), /ended the channel/);
    assert.deepEqual(
      said().filter((command) => command === CLEAR_CHANNEL),
      [],
    );
  });
});

describe('a CA read', () => {
  let adapter: CaAdapter;
  /** Values, and errors. */
  let results: unknown[];

  const hear = (...messages: CaServerMessage[]): void => {
    const writer = new FrameWriter();
    for (const message of messages) encodeServerMessage(writer, message);
    adapter.receive(writer.take());
  };
  /** Of a double: TIME is 20, CTRL 34; 96 bytes are enough for both. */
  const answer = (ioid: number, dbrType: number, eca = ECA_NORMAL): CaServerMessage => {
    const payload = new Uint8Array(eca === ECA_NORMAL ? 96 : 0);
    const count = eca === ECA_NORMAL ? 1 : 0;
    return { ...{ command: 'READ_NOTIFY', dbrType, count, eca, ioid }, payload };
  };
  const read = (cid: number): Channel => {
    const channel = adapter.openChannel(`PV:${cid}`, {
      opened: () =>
        channel.read((result) => results.push('value' in result ? result.value : result)),
      refused: () => assert.fail('refused'),
      lost: () => undefined,
    });
    hear({ command: 'CREATE_CHAN', cid, sid: cid, nativeType: 6, count: 1 });
    return channel;
  };

  beforeEach(() => {
    results = [];
    adapter = new CaAdapter(
      { clientName: 'ann', hostName: 'desk' },
      { ready: () => undefined, searched: () => undefined },
    );
    hear({ command: 'VERSION', minor: 13, sequence: undefined }, { command: 'ECHO' });
  });

  it('that is denied says to whom, and another goes on', () => {
    read(1);
    read(2);
    hear(answer(0, 20, ECA_NORDACCESS), answer(1, 34, ECA_NORDACCESS));
    assert.ok(isErrorCode(results[0], 'no-read-access'));
    assert.match(String(results[0]), /denies reading to user ann on host desk/);
    hear(answer(2, 20), answer(3, 34));
    assert.equal(results[1], 0);
  });

  it('whose channel the IOC ends fails, once', () => {
    const channel = read(1);
    hear(answer(0, 20), { command: 'SERVER_DISCONN', cid: 1 }, answer(1, 34));
    assert.match(results.map(String).join(), /^ContainerError: the IOC ended the channel$/);
    channel.close();
  });

  it('that CAJ refuses for its count is asked again with the count of the channel', () => {
    read(1);
    adapter.takeOutput();
    hear(answer(0, 20, ECA_BADCOUNT), answer(1, 34));
    assert.deepEqual(results, []);
    const output = adapter.takeOutput();
    const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
    assert.deepEqual([view.getUint16(0), view.getUint16(6)], [READ_NOTIFY, 1]);
    hear(answer(view.getUint32(12), 20));
    assert.deepEqual(results, [0]);
  });
});
