/** What a CA monitor leaves with the IOC when it ends, however far it got. */
import assert from 'node:assert/strict';
import {
  type CaServerMessage,
  encodeServerMessage,
  FrameWriter,
} from '../../../../src/protocol/ca';
import { createCaMonitorDialect } from '../../../../src/services/upstream/caMonitorDialect';

const CLEAR_CHANNEL = 12;
const READ_NOTIFY = 15;
const ECA_NORDACCESS = 368;
const ID = 0;

describe('a CA monitor that ends', () => {
  const failures: string[] = [];
  let dialect: ReturnType<typeof createCaMonitorDialect>;

  /** The commands of what it says; none has a payload that could be taken for a header. */
  const said = (): number[] => {
    const bytes = dialect.takeOutput();
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
    dialect.receive(writer.take());
  };
  const created = (nativeType = 6): CaServerMessage => {
    return { command: 'CREATE_CHAN', cid: ID, sid: 7, nativeType, count: 1 };
  };

  beforeEach(() => {
    failures.length = 0;
    dialect = createCaMonitorDialect(
      { clientName: 'ann', hostName: 'desk' },
      {
        ready: () => undefined,
        value: () => undefined,
        stalled: () => undefined,
        failed: (_id, reason) => failures.push(reason),
      },
    );
    hear({ command: 'VERSION', minor: 13, sequence: undefined }, { command: 'ECHO' });
    dialect.watch(ID, 'X');
    said();
  });

  it('while its channel is being created clears it when it is', () => {
    dialect.unwatch(ID);
    assert.deepEqual(said(), []);
    hear(created());
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
  });

  it('while it reads the units clears its channel at once', () => {
    hear(created());
    assert.deepEqual(said(), [READ_NOTIFY]);
    dialect.unwatch(ID);
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
    assert.deepEqual(failures, []);
  });

  it('because the IOC refuses the read clears its channel', () => {
    hear(created());
    said();
    const payload = new Uint8Array(0);
    hear({
      ...{ command: 'READ_NOTIFY', dbrType: 34, count: 0, eca: ECA_NORDACCESS, ioid: ID },
      payload,
    });
    assert.match(failures.join(), /refused the read/);
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
    dialect.unwatch(ID);
    assert.deepEqual(said(), [], 'once');
  });

  it('because there is no such type clears its channel', () => {
    hear(created(77));
    assert.match(failures.join(), /native type 77/);
    assert.deepEqual(said(), [CLEAR_CHANNEL]);
  });

  it('because the IOC ended its channel has nothing to clear', () => {
    hear(created(), { command: 'SERVER_DISCONN', cid: ID });
    assert.match(failures.join(), /ended the channel/);
    assert.deepEqual(
      said().filter((command) => command === CLEAR_CHANNEL),
      [],
    );
  });
});
