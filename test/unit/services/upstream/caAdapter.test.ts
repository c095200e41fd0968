/** What a CA monitor leaves with the IOC when it ends, however far it got. */
import assert from 'node:assert/strict';
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
