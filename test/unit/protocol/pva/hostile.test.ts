/** Peers that break the rules: each is found out, none does harm. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemoteProtocolError } from '../../../../src/base/errors';
import { ByteReader } from '../../../../src/protocol/bytes';
import {
  ntScalarType,
  PvaClientConnection,
  PvaServerConnection,
  StoredPv,
} from '../../../../src/protocol/pva/index';
import { readSearchRequest, readSearchResponse } from '../../../../src/protocol/pva/search';
import type { TypeCache } from '../../../../src/protocol/pva/typeCodec';
import { ValueReader } from '../../../../src/protocol/pva/valueDecode';
import { fromHex } from '../../../support/hex';
import { createRandom } from '../../../support/random';

/** A frame of a little endian server. */
function frame(command: number, payload: string, flags = 0x40): Uint8Array {
  const bytes = fromHex(payload);
  const size = bytes.length;
  const header = [0xca, 2, flags, command, size & 255, (size >> 8) & 255, (size >> 16) & 255, 0];
  return Uint8Array.of(...header, ...bytes);
}

const validation = frame(1, '00000100 ff7f 01 09616e6f6e796d6f7573');
const validated = frame(9, 'ff');
const created = frame(7, '00000000 01000000 ff');

/** A client with channel 0 created, a get (ioid 1) and a monitor (2) begun, an rpc (3) begun. */
function makeClient(maxMessageBytes = 1 << 20): PvaClientConnection {
  const client = new PvaClientConnection({}, { maxMessageBytes });
  client.receive(validation);
  client.receive(validated);
  client.createChannel('pv');
  client.receive(created);
  client.get(0);
  client.monitor(0);
  client.rpc(0, { type: ntScalarType('int'), value: {} });
  client.takeOutput();
  return client;
}

const getReady = frame(10, '01000000 08 ff 8000 01 0161 22');
const monitorReady = frame(13, '02000000 08 ff 8000 01 0161 4b');

const illegal: [string, Uint8Array[], RegExp][] = [
  ['another protocol', [fromHex('48545450 2f312e31')], /does not speak pvAccess/],
  ['version 0', [fromHex('ca004009 00000000')], /does not speak pvAccess/],
  ['a message of a client', [frame(9, 'ff', 0)], /wrong direction/],
  ['a message longer than we take', [fromHex('ca024009 ffffffff')], /more than the 1048576/],
  ['a last segment without a first', [frame(9, 'ff', 0x60)], /wrong order/],
  ['a first segment within segments', [frame(9, '', 0x50), frame(9, '', 0x50)], /wrong order/],
  ['a whole message within segments', [frame(9, '', 0x50), frame(9, 'ff')], /wrong order/],
  ['segments of two messages', [frame(9, '', 0x50), frame(10, '', 0x60)], /mixes/],
  ['a validation cut short', [frame(1, '00000100')], /needs 2 more bytes/],
  ['a method longer than the message', [frame(1, '00000100 ff7f 01 0961')], /announces 9/],
  ['a status of no known type', [frame(9, '07 00 00')], /status type 7/],
  [
    'an answer for a channel not asked for',
    [frame(7, '05000000 01000000 ff')],
    /channel 5, which is free/,
  ],
  ['a second answer for a channel', [created], /channel 0, which is created/],
  ['data before the type', [frame(10, '01000000 00 ff 0101 00000000')], /out of turn/],
  ['an update before the type', [frame(13, '02000000 00 0101 00000000 00')], /out of turn/],
  ['a result before the call', [frame(20, '03000000 00 ff ff')], /out of turn/],
  ['the type twice', [getReady, getReady], /out of turn/],
  [
    'an answer to another command',
    [frame(13, '01000000 08 ff 8000 00')],
    /answers request 1, a get/,
  ],
  ['a type that is no structure', [frame(10, '01000000 08 ff 22')], /not a structure/],
  ['no type where one is due', [frame(10, '01000000 08 ff ff')], /null type/],
  ['a type by an id never given', [frame(10, '01000000 08 ff fe0100')], /never described/],
  ['data cut short', [getReady, frame(10, '01000000 00 ff 0101 0000')], /needs 4 more bytes/],
  [
    'an array longer than the message',
    [monitorReady, frame(13, '02000000 00 0102 fe ffffff0f')],
    /announces/,
  ],
  ['an update without overruns', [monitorReady, frame(13, '02000000 00 0100')], /needs 1 more/],
  ['a search answer cut short', [frame(4, '00'.repeat(20))], /needs 16 more/],
];

describe('pvAccess client and a server that breaks the rules', () => {
  for (const [what, frames, message] of illegal) {
    it(`refuses ${what}, and anything after it`, () => {
      const client = makeClient();
      const receive = (): void => frames.forEach((bytes) => client.receive(bytes));
      const isBlamed = (error: unknown): boolean =>
        error instanceof RemoteProtocolError && message.test(error.message);
      assert.throws(receive, isBlamed);
      assert.throws(() => client.receive(validated), isBlamed);
    });
  }

  it('forgives answers to what it has ended, and trailing bytes', () => {
    const client = makeClient();
    client.destroyRequest(1);
    client.receive(getReady);
    client.receive(frame(10, '01000000 00 ff 0101 00000000'));
    client.receive(frame(8, '63000000 63000000'));
    client.receive(frame(9, 'ff 01020304'));
    client.receive(frame(20, '09000000 00 ff fd0700 8000 00'));
    assert.equal(client.isValidated, true);
  });

  it('takes segments with control messages between them, empty ones too', () => {
    const client = makeClient();
    client.receive(frame(9, '', 0x50));
    client.receive(fromHex('ca024100 00000000'));
    client.receive(frame(9, '', 0x70));
    client.receive(frame(9, 'ff', 0x60));
    assert.equal(client.isValidated, true);
  });

  it('counts segments together against the cap', () => {
    const client = makeClient(100);
    client.receive(frame(10, '00'.repeat(60), 0x50));
    assert.throws(() => client.receive(frame(10, '00'.repeat(60), 0x70)), /120 bytes/);
  });
});

describe('pvAccess server and a client that breaks the rules', () => {
  const provider = { names: () => ['pv'], find: () => new StoredPv(ntScalarType('int')) };
  const options = { guid: '00'.repeat(12), tcpPort: 5075, version: 'test' };
  const cases: [string, Uint8Array[], RegExp][] = [
    ['a message of a server', [frame(9, 'ff')], /wrong direction/],
    [
      'a search that names more than it holds',
      [frame(3, '00'.repeat(27) + 'ffff 01', 0)],
      /needs 4 more/,
    ],
    ['channels cut short', [frame(7, '0200 00000000 0161', 0)], /needs 4 more/],
    [
      'a request begun twice',
      [
        frame(7, '0100 00000000 0161', 0),
        frame(10, '01000000 05000000 08 ff', 0),
        frame(10, '01000000 05000000 08 ff', 0),
      ],
      /twice/,
    ],
    [
      'a pvRequest nested without end',
      [frame(10, `01000000 05000000 08 ${'88'.repeat(99)}`, 0)],
      /nested deeper/,
    ],
  ];
  for (const [what, frames, message] of cases) {
    it(`refuses ${what}`, () => {
      const server = new PvaServerConnection(provider, options);
      assert.throws(() => frames.forEach((bytes) => server.receive(bytes)), message);
    });
  }

  it('answers with an error what asks for channels and requests that are not there', () => {
    const server = new PvaServerConnection(provider, options);
    server.takeOutput();
    for (const command of [10, 11, 12, 13, 14, 16, 20]) {
      server.receive(frame(command, '63000000 05000000 08 ff', 0));
      const refusal = server.takeOutput();
      assert.deepEqual([refusal[3], refusal[8], refusal[12], refusal[13]], [command, 5, 8, 2]);
      server.receive(frame(command, '63000000 05000000 40', 0));
      assert.equal(server.takeOutput()[13], 2);
    }
  });
});

describe('pvAccess decoders and random bytes', function () {
  this.timeout(120_000);
  const seed = Number(process.env['EPICS_EXPOSE_SEED'] ?? Date.now() % 1_000_000);
  const random = createRandom(seed);
  const below = (end: number): number => Math.floor(random() * end);

  const folder = join(__dirname, '../../../vectors/pva');
  const corpus: { fromServer: boolean; bytes: Uint8Array }[] = [];

  // Half of a million errors would be spent on their stacks.
  const { stackTraceLimit } = Error;
  after(() => void (Error.stackTraceLimit = stackTraceLimit));

  before(() => {
    Error.stackTraceLimit = 0;
    for (const file of readdirSync(folder)) {
      const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>;
      for (const side of ['fromClient', 'fromServer']) {
        const bytes = fromHex(vector[side] ?? '');
        for (let at = 0; at + 8 <= bytes.length;) {
          const view = new DataView(bytes.buffer, bytes.byteOffset + at);
          const flags = view.getUint8(2);
          const size = flags & 1 ? 0 : view.getUint32(4, (flags & 0x80) === 0);
          // Long ones would make a million of them take minutes.
          if (size < 400)
            corpus.push({
              fromServer: side === 'fromServer',
              bytes: bytes.slice(at, at + 8 + size),
            });
          at += 8 + size;
        }
      }
    }
  });

  /** A copy with a few bytes changed, dropped or doubled; the header may be spared. */
  function mutate(original: Uint8Array, spared: number): Uint8Array {
    let bytes = original.slice();
    for (let count = 1 + below(3); count > 0 && bytes.length > spared; count--) {
      const at = spared + below(bytes.length - spared);
      const how = below(8);
      if (how === 0) bytes = bytes.slice(0, at);
      else if (how === 1) bytes[at] = [0, 0x7f, 0x80, 0x88, 0xfd, 0xfe, 0xff][below(7)] as number;
      else if (how === 2) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      else bytes[at] = below(256);
    }
    return bytes;
  }

  /** Fits the size in the header to what is there, so that the payload is looked at. */
  function fitSize(bytes: Uint8Array): Uint8Array {
    if (bytes.length >= 8 && ((bytes[2] as number) & 1) === 0) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint32(4, bytes.length - 8, ((bytes[2] as number) & 0x80) === 0);
    }
    return bytes;
  }

  /** Returns whether it was refused; anything but RemoteProtocolError ends the test. */
  function isRefused(decode: () => void): boolean {
    try {
      decode();
      return false;
    } catch (error) {
      if (error instanceof RemoteProtocolError) return true;
      throw error;
    }
  }

  it(`leave client and server unharmed, 600,000 mutated frames (seed ${seed})`, () => {
    const provider = { names: () => ['pv'], find: () => new StoredPv(ntScalarType('int')) };
    const options = { guid: '00'.repeat(12), tcpPort: 5075, version: 'test' };
    let client = makeClient();
    let server = new PvaServerConnection(provider, options);
    let refusedCount = 0;
    for (let i = 0; i < 600_000; i++) {
      const { fromServer, bytes } = corpus[below(corpus.length)] as (typeof corpus)[number];
      const hit = mutate(bytes, below(16) === 0 ? 0 : 8);
      if (below(8) !== 0) fitSize(hit);
      if (fromServer) {
        if (isRefused(() => client.receive(hit)) || i % 64 === 0) {
          refusedCount++;
          client = makeClient();
        }
        client.takeOutput();
      } else {
        if (isRefused(() => server.receive(hit)) || i % 64 === 0) {
          refusedCount++;
          server.dispose();
          server = new PvaServerConnection(provider, options);
        }
        server.takeOutput();
      }
    }
    assert.ok(refusedCount > 10_000);
  });

  it(`leave the codecs unharmed, 400,000 random payloads (seed ${seed})`, () => {
    let refusedCount = 0;
    for (let i = 0; i < 400_000; i++) {
      const bytes = Uint8Array.from({ length: 4 + below(60) }, () => below(256));
      // A type byte that is known leads further than a random one.
      bytes[0] = [0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x43, 0x4b, 0x68, 0xfd][below(10)] as number;
      const cache: TypeCache = new Map();
      const reader = (): ByteReader => new ByteReader(bytes, i % 3 === 0, 'random');
      const decode = [
        () => new ValueReader(reader(), cache).readTyped(),
        () => new ValueReader(reader(), cache).readTyped(),
        () => readSearchRequest(reader()),
        () => readSearchResponse(reader()),
      ][i % 4] as () => void;
      if (isRefused(decode)) refusedCount++;
    }
    assert.ok(refusedCount > 10_000);
  });
});
