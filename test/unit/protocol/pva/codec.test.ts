import assert from 'node:assert/strict';
import { RemoteProtocolError } from '../../../../src/base/errors';
import { ByteReader, ByteWriter } from '../../../../src/protocol/bytes';
import { readSize, readStatus, writeSize, writeStatus } from '../../../../src/protocol/pva/basics';
import { BitSet } from '../../../../src/protocol/pva/bitSet';
import {
  readType,
  SentTypes,
  type TypeCache,
  writeType,
} from '../../../../src/protocol/pva/typeCodec';
import {
  ANY_TYPE,
  arrayType,
  boundedStringType,
  compoundArrayType,
  type PvaType,
  scalarType,
  structureType,
  unionType,
} from '../../../../src/protocol/pva/types';
import { ValueReader } from '../../../../src/protocol/pva/valueDecode';
import { writeChanged, writeValue } from '../../../../src/protocol/pva/valueEncode';
import { defaultStructure, type PvaValue } from '../../../../src/protocol/pva/values';
import { fromHex, toHex } from '../../../support/hex';

const reader = (text: string, isLittleEndian = false): ByteReader =>
  new ByteReader(fromHex(text), isLittleEndian, 'test');

function written(isLittleEndian: boolean, write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(isLittleEndian);
  write(writer);
  return toHex(writer.take());
}

describe('pvAccess sizes, status and bit sets', () => {
  it('encodes sizes as the specification does', () => {
    const cases: [number, string][] = [
      [-1, 'ff'],
      [0, '00'],
      [253, 'fd'],
      [254, 'fe000000fe'],
      [65536, 'fe00010000'],
      [0x7ffffffe, 'fe7ffffffe'],
      [0x7fffffff, 'fe7fffffff000000007fffffff'],
      [2 ** 40, 'fe7fffffff0000010000000000'],
    ];
    for (const [size, bytes] of cases) {
      assert.equal(
        written(false, (writer) => writeSize(writer, size)),
        bytes,
      );
      assert.equal(readSize(reader(bytes)), size);
    }
  });

  it('refuses sizes that are negative or beyond what JavaScript counts', () => {
    for (const bytes of [
      'feffffffff',
      'fe80000000',
      'fe7fffffff8000000000000000',
      'fe7fffffff7fffffffffffffff',
    ]) {
      assert.throws(() => readSize(reader(bytes)), RemoteProtocolError);
    }
  });

  it('reads the status examples of the specification', () => {
    assert.equal(readStatus(reader('ff')).type, 'ok');
    const warning = { type: 'warning', message: 'Low memory', callTree: '' };
    assert.deepEqual(readStatus(reader('010a4c6f77206d656d6f727900')), warning);
  });

  it('writes what it reads', () => {
    const bytes = '02064661696c6564037878 78';
    const status = readStatus(reader(bytes));
    assert.deepEqual(status, { type: 'error', message: 'Failed', callTree: 'xxx' });
    assert.equal(
      written(false, (writer) => writeStatus(writer, status)),
      bytes.replace(' ', ''),
    );
    assert.throws(() => readStatus(reader('040000')), RemoteProtocolError);
  });

  it('encodes bit sets as the specification does, groups of 64 in the order of the message', () => {
    const cases: [number[], string, string][] = [
      [[], '00', '00'],
      [[0], '0101', '0101'],
      [[1], '0102', '0102'],
      [[7], '0180', '0180'],
      [[8], '020001', '020001'],
      [[15], '020080', '020080'],
      [[55], '0700000000000080', '0700000000000080'],
      [[56], '080000000000000001', '080100000000000000'],
      [[63], '080000000000000080', '088000000000000000'],
      [[64], '09000000000000000001', '09000000000000000001'],
      [[0, 1, 2, 4], '0117', '0117'],
      [[0, 65], '09010000000000000002', '09000000000000000102'],
    ];
    for (const [bits, little, big] of cases) {
      for (const isLittleEndian of [true, false]) {
        const bytes = isLittleEndian ? little : big;
        assert.equal(
          written(isLittleEndian, (writer) => BitSet.of(...bits).write(writer)),
          bytes,
        );
        assert.deepEqual([...BitSet.read(reader(bytes, isLittleEndian))], bits);
      }
    }
  });
});

const point = structureType('point_t', { x: 'double', label: 'string' });
const choice = unionType('', { number: 'int', text: 'string' });

/** Type, its bytes, a value, the value's bytes; big endian, by hand from the specification. */
const cases: [string, PvaType, string, PvaValue, string][] = [
  ['boolean', scalarType('boolean'), '00', true, '01'],
  ['byte', scalarType('byte'), '20', -2, 'fe'],
  ['short', scalarType('short'), '21', -2, 'fffe'],
  ['int', scalarType('int'), '22', 0x01020304, '01020304'],
  ['long', scalarType('long'), '23', -2n, 'fffffffffffffffe'],
  ['ubyte', scalarType('ubyte'), '24', 254, 'fe'],
  ['ushort', scalarType('ushort'), '25', 65534, 'fffe'],
  ['uint', scalarType('uint'), '26', 4294967294, 'fffffffe'],
  ['ulong', scalarType('ulong'), '27', 2n ** 64n - 2n, 'fffffffffffffffe'],
  ['float', scalarType('float'), '42', 1.5, '3fc00000'],
  ['double', scalarType('double'), '43', 1.5, '3ff8000000000000'],
  ['string', scalarType('string'), '60', 'grün', '056772c3bc6e'],
  ['bounded string', boundedStringType(4), '8304', 'abcd', '0461626364'],
  ['boolean[]', arrayType('boolean'), '08', [true, false], '020100'],
  ['short[]', arrayType('short'), '29', Int16Array.of(1, -1), '020001ffff'],
  ['ulong[]', arrayType('ulong'), '2f', BigUint64Array.of(1n), '010000000000000001'],
  ['double[]', arrayType('double'), '4b', Float64Array.of(1.5), '013ff8000000000000'],
  ['string[]', arrayType('string'), '68', ['a', ''], '02016100'],
  ['bounded int[]', arrayType('int', 'bounded', 16), '3210', Int32Array.of(1), '0100000001'],
  ['fixed int[]', arrayType('int', 'fixed', 2), '3a02', Int32Array.of(1, 2), '0000000100000002'],
  [
    'structure',
    point,
    '8007706f696e745f74 02 0178 43 056c6162656c 60',
    { x: 1.5, label: 'p' },
    '3ff8000000000000 0170',
  ],
  [
    'union',
    choice,
    '8100 02 066e756d626572 22 0474657874 60',
    { name: 'text', value: 'a' },
    '01 0161',
  ],
  ['null union', choice, '8100 02 066e756d626572 22 0474657874 60', null, 'ff'],
  ['any', ANY_TYPE, '82', { type: scalarType('int'), value: 7 }, '22 00000007'],
  ['null any', ANY_TYPE, '82', null, 'ff'],
  [
    'structure[]',
    compoundArrayType(point),
    '88 8007706f696e745f74 02 0178 43 056c6162656c 60',
    [{ x: 1.5, label: 'p' }, null],
    '02 01 3ff8000000000000 0170 00',
  ],
  [
    'union[]',
    compoundArrayType(choice),
    '89 8100 02 066e756d626572 22 0474657874 60',
    [{ name: 'number', value: 1 }, null],
    '02 01 00 00000001 00',
  ],
  [
    'any[]',
    compoundArrayType(ANY_TYPE),
    '8a',
    [{ type: scalarType('string'), value: 'a' }],
    '01 01 60 0161',
  ],
];

describe('pvAccess types and values', () => {
  for (const [name, type, typeBytes, value, valueBytes] of cases) {
    it(`encodes and decodes ${name}`, () => {
      const cache: TypeCache = new Map();
      assert.deepEqual(readType(reader(typeBytes), cache), type);
      assert.equal(
        written(false, (writer) => writeType(writer, type)),
        toHex(fromHex(typeBytes)),
      );
      const source = reader(valueBytes);
      assert.deepEqual(new ValueReader(source, cache).read(type), value);
      assert.equal(source.remainingBytes, 0);
      assert.equal(
        written(false, (writer) => writeValue(writer, type, value)),
        toHex(fromHex(valueBytes)),
      );
      const little = written(true, (writer) => writeValue(writer, type, value));
      assert.deepEqual(new ValueReader(reader(little, true), cache).read(type), value);
    });

    it(`refuses ${name} that is cut short`, () => {
      const bytes = toHex(fromHex(valueBytes));
      for (let digits = 0; digits < bytes.length; digits += 2) {
        const cut = reader(bytes.slice(0, digits));
        assert.throws(() => new ValueReader(cut, new Map()).read(type), RemoteProtocolError);
      }
    });
  }

  it('remembers types by id, takes a new meaning of an id, and refuses unknown ones', () => {
    const cache: TypeCache = new Map();
    assert.throws(() => readType(reader('fe0001'), cache), /never described/);
    assert.deepEqual(readType(reader('fd0001 22'), cache), scalarType('int'));
    assert.deepEqual(readType(reader('fe0001'), cache), scalarType('int'));
    assert.deepEqual(readType(reader('fd0001 60'), cache), scalarType('string'));
    assert.deepEqual(readType(reader('fe0001'), cache), scalarType('string'));
    // A type within a type, used later on its own.
    readType(reader('8000 01 0161 fd0002 8000 01 0162 22'), cache);
    assert.deepEqual(readType(reader('fe0002'), cache), structureType('', { b: 'int' }));
  });

  it('sends a type in full once and by id afterwards', () => {
    const sent = new SentTypes();
    const cache: TypeCache = new Map();
    const first = written(true, (writer) => sent.write(writer, point));
    const second = written(true, (writer) => sent.write(writer, point));
    assert.equal(second.length, 6);
    assert.deepEqual(readType(reader(first, true), cache), point);
    assert.deepEqual(readType(reader(second, true), cache), point);
  });

  it('applies partial updates without touching the value before', () => {
    const type = structureType('', {
      a: 'int',
      inner: structureType('', { b: 'int', c: 'string' }),
      d: 'int',
    });
    const before = { a: 1, inner: { b: 2, c: 'old' }, d: 4 };
    const changed = BitSet.of(4, 5);
    const after = { a: 1, inner: { b: 2, c: 'new' }, d: 5 };
    const bytes = written(false, (writer) => writeChanged(writer, type, changed, after));
    assert.equal(bytes, '036e6577' + '00000005');
    const read = new ValueReader(reader(bytes), new Map()).readChanged(type, changed, before);
    assert.deepEqual(read, after);
    assert.deepEqual(before, { a: 1, inner: { b: 2, c: 'old' }, d: 4 });
    // The bit of a structure stands for all of it.
    const whole = new ValueReader(reader('00000009 0179'), new Map());
    assert.deepEqual(whole.readChanged(type, BitSet.of(2), before).inner, { b: 9, c: 'y' });
  });

  it('keeps a field called __proto__ as data', () => {
    const type = readType(reader('8000 01 095f5f70726f746f5f5f 60'), new Map()) as PvaType;
    const value = new ValueReader(reader('0178'), new Map()).read(type);
    assert.deepEqual(Object.entries(value as object), [['__proto__', 'x']]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    const again = written(false, (writer) => writeValue(writer, type, value));
    assert.equal(again, '0178');
  });

  it('makes defaults for every kind', () => {
    const type = structureType('', { s: 'string', l: 'long', a: 'int[]', u: choice, p: point });
    const value = { s: '', l: 0n, a: new Int32Array(0), u: null, p: { x: 0, label: '' } };
    assert.deepEqual(defaultStructure(type), value);
  });
});

describe('pvAccess types and values of a hostile peer', () => {
  const refused: [string, string, RegExp][] = [
    ['unknown type code', '7f', /does not exist/],
    ['array of bounded strings', '8b05', /does not exist/],
    ['structure array of a scalar', '8822', /does not exist/],
    ['null inside a structure', '8000 01 0161 ff', /null type/],
    ['id of a null type', 'fd0001 ff', /null type/],
    ['more fields than bytes', '8000 fe7ffffff0', /announces/],
    ['name longer than the message', '8000 01 fe00100000', /announces/],
    ['nesting by arrays', '88'.repeat(100), /nested deeper/],
    ['nesting by ids', 'fd0001'.repeat(100), /nested deeper/],
    ['nesting by structures', '8000010161'.repeat(100), /nested deeper/],
  ];
  for (const [what, bytes, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => readType(reader(bytes), new Map()),
        (error) => error instanceof RemoteProtocolError && message.test(error.message),
      );
    });
  }

  it('refuses a type that grows by references to itself', () => {
    const cache: TypeCache = new Map();
    readType(reader('fd0000 8000 01 0161 22'), cache);
    assert.throws(() => {
      for (let level = 1; level < 30; level++) {
        const id = level.toString(16).padStart(4, '0');
        const below = (level - 1).toString(16).padStart(4, '0');
        readType(reader(`fd${id} 8000 04 ${`0161 fe${below}`.repeat(4)}`), cache);
      }
    }, /more than 65536 fields/);
  });

  it('refuses depth that is built up by references', () => {
    const cache: TypeCache = new Map();
    readType(reader('fd0000 22'), cache);
    assert.throws(() => {
      for (let level = 1; level < 40; level++) {
        const id = level.toString(16).padStart(4, '0');
        const below = (level - 1).toString(16).padStart(4, '0');
        readType(reader(`fd${id} 8000 01 0161 fe${below}`), cache);
      }
    }, /nested deeper/);
  });

  it('refuses anys within anys without end', () => {
    const value = new ValueReader(reader('82'.repeat(1000)), new Map());
    assert.throws(() => value.read(ANY_TYPE), /too deeply/);
  });

  it('refuses arrays longer than the message before making room for them', () => {
    for (const type of [
      arrayType('double'),
      arrayType('string'),
      arrayType('boolean'),
      compoundArrayType(point),
    ]) {
      const value = new ValueReader(reader('fe7ffffff0 00'), new Map());
      assert.throws(() => value.read(type), /announces/);
    }
    const fixed = new ValueReader(reader('00'), new Map());
    assert.throws(() => fixed.read(arrayType('double', 'fixed', 2 ** 40)), /too short/);
  });

  it('refuses few bytes that stand for millions of values', () => {
    const empties = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, i) => [`f${i}`, structureType('', {})]),
    );
    const type = compoundArrayType(structureType('', empties));
    const value = new ValueReader(reader('fd' + '01'.repeat(253)), new Map());
    assert.throws(() => value.read(type), /more than 250000 values/);
  });

  it('refuses bounds that are exceeded, and unions that choose what is not there', () => {
    assert.throws(() => new ValueReader(reader('0361'), new Map()).read(choice), /selects member/);
    assert.throws(
      () => new ValueReader(reader('03 000000'), new Map()).read(arrayType('byte', 'bounded', 2)),
      /bound of an array/,
    );
    assert.throws(
      () => new ValueReader(reader('03 616161'), new Map()).read(boundedStringType(2)),
      /bound of a string/,
    );
  });

  it('refuses a bit set of more fields than a type may have', () => {
    assert.throws(() => BitSet.read(reader('fe00010000')), /bit set/);
  });
});
