/** Peers that break the rules: each is found out, none does harm. */
import assert from 'node:assert/strict';
import { RemoteProtocolError } from '../../../../src/base/errors';
import { ntScalarType, PvaServerConnection, StoredPv } from '../../../../src/protocol/pva/index';
import { fromHex } from '../../../support/hex';
import { created, frame, makeClient, validated } from './brokenPeer';

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
