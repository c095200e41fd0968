/** What people are shown of values that are long, or of several parts. */
import assert from 'node:assert/strict';
import { previewOf } from '../../../../src/model/preview';
import { type PvReading, sizeText, valueText, wholeText } from '../../../../src/model/reading';
import type { DbrData } from '../../../../src/protocol/ca';
import { charText } from '../../../../src/services/upstream/charText';
import type {
  ChannelOwner,
  ProtocolAdapter,
} from '../../../../src/services/upstream/protocolAdapter';
import { longStringName, readLong } from '../../../../src/services/upstream/readLong';
import { readingOfCa, readingOfPva } from '../../../../src/services/upstream/readings';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const chars = (text: string, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set(Buffer.from(text));
  return bytes;
};
const caChars = (name: string, bytes: Uint8Array) =>
  readingOfCa({
    time: { element: 'CHAR', value: bytes } as unknown as DbrData,
    control: {} as DbrData,
    name,
  });

describe('text in an array of characters', () => {
  it('is shown as text, and stays numbers for programs', () => {
    const reading = caChars('IOC:PATH', chars('/data/run 17', 256));
    assert.equal(valueText(previewOf(reading)), '/data/run 17');
    assert.equal(wholeText(reading), '/data/run 17');
    assert.equal((reading.value as Uint8Array)[0], '/'.charCodeAt(0));
    assert.equal(sizeText(previewOf(reading)), 'ubyte[256], 256 bytes');
  });
  it('is printable, ended by NUL and alone', () => {
    assert.equal(charText(Int8Array.from(chars('a\tbé', 9))), 'a\tbé');
    const none = [
      chars('ab', 2), // any bytes may be letters
      chars('', 4),
      chars('a\u0001b', 4),
      Uint8Array.of(65, 0, 66),
      Uint8Array.of(200, 201, 0),
      chars('x', 70_000),
      'text',
    ];
    for (const value of none) assert.equal(charText(value), undefined, String(value).slice(0, 20));
  });
  it('is a string where the name asks for one', () => {
    assert.equal(caChars('IOC:T.DESC$', chars('Temperature', 41)).value, 'Temperature');
    assert.equal(caChars('IOC:T.DESC$', Uint8Array.of(0xb0, 0x43)).value, '\u00b0C');
    assert.equal(readingOfPva({ value: chars('long', 9) }, 'IOC:T.INP$').value, 'long');
    assert.deepEqual(readingOfPva({ value: chars('a', 9) }, 'IOC:W').value, chars('a', 9));
  });
});

describe('the name of a long string', () => {
  for (const [name, long] of [
    ['IOC:T', 'IOC:T.VAL$'],
    ['IOC:T.DESC', 'IOC:T.DESC$'],
    ['IOC:T.DESC$', undefined],
    ['IOC:T.VAL{"s":{}}', undefined],
  ] as const) {
    it(`of ${name}`, () => assert.equal(longStringName(name), long));
  }
});

describe('a structure of several parts is told in words', () => {
  it('an image', () => {
    const image = (pixels: object, codec: string) =>
      readingOfPva({
        value: pixels as never,
        codec: { name: codec, parameters: null },
        dimension: [{ size: 1000 }, { size: 1000 }],
        uniqueId: 12,
      });
    const raw = image({ name: 'ubyteValue', value: new Uint8Array(1e6) }, '');
    assert.equal(
      valueText(previewOf(raw)),
      'NTNDArray 1000x1000 ubyte, codec none, 1000000 bytes, uniqueId 12',
    );
    assert.equal(sizeText(previewOf(raw)), '');
    const packed = image({ name: 'ubyteValue', value: new Uint8Array(5) }, 'jpeg');
    assert.match(valueText(packed), /ubyte, codec jpeg, 5 bytes, /);
    assert.ok(wholeText(raw).length > 2e6);
  });
  it('a table', () => {
    const columns = { a: new Float64Array(10), b: new Int32Array(10), c: new Array(10).fill('x') };
    const table = readingOfPva({ labels: ['a', 'b', 'c'], value: columns });
    assert.equal(valueText(previewOf(table)), 'NTTable 3 columns x 10 rows: a, b, c');
    const one = readingOfPva({ labels: ['\u001b[2J'], value: { a: [true] } });
    assert.equal(valueText(one), 'NTTable 1 column x 1 row: \\x1b[2J');
  });
  it('nothing else', () => {
    assert.equal(readingOfPva({ value: 1, labels: ['a'] }).summary, undefined);
    assert.equal(readingOfPva({ value: { x: 1 } }).summary, undefined);
  });
});

describe('a string that fills what Channel Access carries', () => {
  const cut: PvReading = { value: 'x'.repeat(39), severity: 'NO_ALARM', isMaybeCut: true };

  /** Reads it again from a server that has these values. */
  function readAgain(values: Readonly<Record<string, string>>, software: string, reading = cut) {
    const asked: string[] = [];
    let closed = 0;
    let result: PvReading | undefined;
    const adapter = {
      canAsk: () => true,
      openChannel: (name: string, owner: ChannelOwner) => {
        asked.push(name);
        const value = values[name];
        const channel = {
          read: (onResult: (read: PvReading) => void) => onResult({ value, severity: '' }),
          close: () => closed++,
        };
        setImmediate(() =>
          value === undefined ? owner.refused('not-found', '') : owner.opened(true),
        );
        return channel;
      },
    } as unknown as ProtocolAdapter;
    readLong(adapter, software, 'IOC:T.DESC', reading, (read) => (result = read));
    return { asked, result: () => result, closed: () => closed };
  }

  it('is read again under its other name, and whole then', async () => {
    const { asked, result, closed } = readAgain({ 'IOC:T.DESC$': 'y'.repeat(40) }, 'rsrv');
    await turn();
    assert.deepEqual(asked, ['IOC:T.DESC$']);
    assert.deepEqual(result(), { value: 'y'.repeat(40), severity: 'NO_ALARM' });
    assert.equal(closed(), 1);
  });
  it('says that it may be cut where the server has no other name for it', async () => {
    for (const [software, names] of [
      ['rsrv', ['IOC:T.DESC$']],
      ['pcas', []],
    ] as const) {
      const { asked, result } = readAgain({}, software);
      await turn();
      assert.deepEqual(asked, names);
      assert.equal(
        valueText(result() ?? assert.fail()),
        `${'x'.repeat(39)} (perhaps cut: Channel Access carries 39 characters)`,
      );
    }
  });
  it('is as it is when it is shorter, or longer', () => {
    for (const length of [38, 40]) {
      const reading = { value: 'x'.repeat(length), severity: '' };
      const { asked, result } = readAgain({}, 'rsrv', reading);
      assert.deepEqual([asked, result()], [[], reading]);
    }
  });
});
