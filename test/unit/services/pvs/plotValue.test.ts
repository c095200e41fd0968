import assert from 'node:assert/strict';
import { decodeBase64, decodeDoubles } from '../../../../src/base/base64';
import { PLOT_LIMITS, type PlotImage, type PlotValue } from '../../../../src/model/plotValue';
import type { PvReading } from '../../../../src/model/reading';
import type { PvaStructureValue } from '../../../../src/protocol/pva';
import { plotNews } from '../../../../src/rpc/plotSchemas';
import { decodeJson, encodeJson } from '../../../../src/rpc/rpcConnection';
import { check } from '../../../../src/rpc/schema';
import { plotReading } from '../../../../src/services/pvs/plotValue';
import type { ReadingSource } from '../../../../src/services/upstream/protocolAdapter';
import { readingOfPva } from '../../../../src/services/upstream/readings';

const SIZE = { width: 400, height: 300 };

/** What would cross, after the receiver has checked it. */
function drawn(
  reading: Partial<PvReading>,
  source: ReadingSource = {},
  size = SIZE,
  range?: [number, number],
): PlotValue {
  const update = plotReading({ value: 0, severity: 'NO_ALARM', ...reading }, source, size, range);
  check(plotNews, decodeJson(encodeJson({ monitorId: 1, update })), 'news');
  return update.value;
}

function drawnOf(structure: PvaStructureValue, size = SIZE): PlotValue {
  return drawn(readingOfPva(structure), { structure }, size);
}

/** The beginning of a JPEG file: a comment, a table of codes, the header of a frame. */
function jpegOf(width: number, height: number): Uint8Array {
  const frame = [0xff, 0xc2, 0, 11, 8, height >> 8, height & 255, width >> 8, width & 255, 1, 1];
  return Uint8Array.of(
    ...[0xff, 0xd8, 0xff, 0xfe, 0, 3, 65, 0xff, 0xff, 0xc4, 0, 2],
    ...[...frame, 0x11, 0],
  );
}

interface ImageParts {
  readonly sizes: number[];
  readonly value: PvaStructureValue['value'];
  readonly codec?: string;
  readonly colourMode?: number;
}

function ndArray({ sizes, value, codec = '', colourMode }: ImageParts): PvaStructureValue {
  const mode = { type: 'int', value: colourMode ?? 0 };
  return {
    value: { name: 'ubyteValue', value: value ?? null },
    codec: { name: codec, parameters: null },
    dimension: sizes.map((size) => ({ size, offset: 0, fullSize: size, binning: 1 })),
    attribute: colourMode === undefined ? [] : [{ name: 'ColorMode', value: mode }],
  };
}

function imageOf(parts: ImageParts, size = SIZE): PlotImage & { bytes: Uint8Array } {
  const image = drawnOf(ndArray(parts), size);
  assert.ok(image.kind === 'image', JSON.stringify(image).slice(0, 200));
  const bytes = decodeBase64(image.pixels);
  assert.equal(bytes.length, image.width * image.height * image.channels);
  return { ...image, bytes };
}

describe('what is plotted of a value', () => {
  it('is a number with its range', () => {
    assert.deepEqual(drawn({ value: 1.5 }, {}, SIZE, [1, 2]), {
      ...{ kind: 'number', value: 1.5, range: [1, 2] },
    });
    assert.deepEqual(drawn({ value: 7n }), { kind: 'number', value: 7 });
  });

  it('is a state with the names of all, over either protocol', () => {
    const choice = { index: 1, choices: ['Off', 'On'] };
    assert.deepEqual(drawn({ value: 'On' }, { choice }), { kind: 'choice', ...choice });
    assert.deepEqual(drawnOf({ value: choice }), { kind: 'choice', ...choice });
    assert.deepEqual(drawn({ value: true }), {
      ...{ kind: 'choice', index: 1, choices: ['false', 'true'] },
    });
  });

  it('is a string, or words where there is too much of it', () => {
    assert.deepEqual(drawn({ value: 'idle' }), { kind: 'string', text: 'idle' });
    const long = drawn({ value: 'x'.repeat(1e6) });
    assert.ok(long.kind === 'text' && long.text.length <= PLOT_LIMITS.textCharacters + 3);
    const structure = drawn({ value: { a: 1, b: { c: 'x'.repeat(1e5) } } });
    assert.ok(structure.kind === 'text' && structure.text.startsWith('{"a": 1'));
    assert.equal(drawn({ value: null }).kind, 'text');
  });

  it('is all of a short array of numbers', () => {
    const wave = drawn({ value: Float64Array.of(1, NaN, -3) });
    assert.ok(wave.kind === 'wave' && wave.high === undefined);
    assert.deepEqual([...decodeDoubles(wave.low)], [1, NaN, -3]);
    const big = drawn({ value: BigInt64Array.of(5n) });
    assert.ok(big.kind === 'wave');
    assert.deepEqual([...decodeDoubles(big.low)], [5]);
  });

  it('is the lowest and highest number of each part of a long array', () => {
    const value = new Float64Array(100_000);
    value[77_777] = 9;
    value[12_345] = -4;
    value.fill(NaN, 50_000, 51_000);
    const wave = drawn({ value });
    assert.ok(wave.kind === 'wave');
    assert.equal(wave.count, 100_000);
    const [low, high] = [decodeDoubles(wave.low), decodeDoubles(wave.high ?? '')];
    assert.equal(low.length, SIZE.width);
    assert.equal(high[Math.floor(77_777 / 250)], 9);
    assert.equal(low[Math.floor(12_345 / 250)], -4);
    assert.ok(Number.isNaN(low[201]) && Number.isNaN(high[201]));
    // Not a numeral in sight.
    assert.equal(drawn({ value: ['a', 'b'] }).kind, 'text');
  });

  it('is as many pixels of an image as the panel has', () => {
    const value = new Uint16Array(1000 * 1000);
    value.fill(100);
    value[0] = 1100; // top left
    value[999 * 1000 + 999] = 600;
    const image = imageOf({ sizes: [1000, 1000], value });
    assert.ok(image.width <= SIZE.width && image.height <= SIZE.height);
    assert.deepEqual([image.width, image.height, image.channels], [256, 256, 1]);
    assert.deepEqual([image.fullWidth, image.fullHeight, image.type], [1000, 1000, 'ushort']);
    assert.deepEqual([image.min, image.max], [100, 1100]);
    assert.deepEqual([image.bytes[0], image.bytes[1]], [255, 0]);
  });

  it('is never more of an image than a message may have', () => {
    const sizes = [3, 1000, 1000];
    const image = imageOf(
      { sizes, value: new Uint8Array(3e6), colourMode: 2 },
      { width: 4096, height: 4096 },
    );
    assert.equal(image.channels, 3);
    assert.ok(image.bytes.length <= PLOT_LIMITS.imageBytes);
    assert.ok(image.bytes.length > PLOT_LIMITS.imageBytes / 3);
    const thin = imageOf({ sizes: [1, 300_000], value: new Uint8Array(3e5) });
    assert.equal(thin.width, 1);
    assert.ok(thin.height <= SIZE.height);
  });

  it('is an image in colours, wherever their dimension is', () => {
    // Two pixels in two lines: red, green; blue, white.
    const wanted = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    const planes = (line: boolean): number[] => {
      const [top, bottom] = [wanted.slice(0, 6), wanted.slice(6)];
      const of = (one: number[], c: number): number[] => [one[c]!, one[3 + c]!];
      return line
        ? [top, bottom].flatMap((one) => [0, 1, 2].flatMap((c) => of(one, c)))
        : [0, 1, 2].flatMap((c) => [top, bottom].flatMap((one) => of(one, c)));
    };
    for (const [colourMode, sizes, value] of [
      [2, [3, 2, 2], wanted],
      [3, [2, 3, 2], planes(true)],
      [4, [2, 2, 3], planes(false)],
      [undefined, [3, 2, 2], wanted],
    ] as const) {
      const image = imageOf({
        sizes: [...sizes],
        value: Uint8Array.from(value),
        ...(colourMode !== undefined && { colourMode }),
      });
      assert.deepEqual([image.width, image.height, image.channels], [2, 2, 3]);
      assert.deepEqual([...image.bytes], wanted, `colour mode ${colourMode}`);
    }
  });

  it('is grey for an image that is all the same, or nothing but NaN', () => {
    assert.equal(imageOf({ sizes: [2, 2], value: new Uint8Array(4).fill(9) }).bytes[0], 128);
    const nothing = imageOf({ sizes: [2, 2], value: new Float32Array(4).fill(NaN) });
    assert.ok(Number.isNaN(nothing.min));
    assert.deepEqual([...nothing.bytes], [0, 0, 0, 0]);
  });

  it('is the file of an image that a browser decodes, else its codec', () => {
    const value = jpegOf(640, 480);
    const jpeg = drawnOf(ndArray({ sizes: [640, 480], value, codec: 'jpeg' }));
    assert.ok(jpeg.kind === 'encoded' && jpeg.mime === 'image/jpeg');
    assert.deepEqual([...decodeBase64(jpeg.bytes)], [...value]);
    for (const codec of ['blosc', 'lz4']) {
      const words = drawnOf(ndArray({ sizes: [640, 480], value, codec }));
      assert.ok(words.kind === 'text' && words.summary.includes(`codec ${codec}`));
    }
    const huge = new Uint8Array(PLOT_LIMITS.encodedBytes + 1);
    assert.equal(drawnOf(ndArray({ sizes: [9, 9], value: huge, codec: 'jpeg' })).kind, 'text');
  });

  it('is no file that would decode to gigabytes, or is none', () => {
    for (const value of [
      jpegOf(16_000, 16_000),
      Uint8Array.of(0xff, 0xd8, 0xff),
      jpegOf(640, 480).subarray(0, 14),
      Uint8Array.of(0xff, 0xd8, 0xff, 0xda, ...jpegOf(640, 480)),
      new Uint8Array(10_000).fill(0xff),
    ]) {
      assert.equal(drawnOf(ndArray({ sizes: [640, 480], value, codec: 'jpeg' })).kind, 'text');
    }
  });

  it('is words for an image that is not what it says', () => {
    for (const sizes of [
      [1000, 1000],
      [0, 5],
      [2, 2, 2, 2],
      [-1, 4],
      [NaN, 2],
      [2, 2, 2],
    ]) {
      const image = drawnOf(ndArray({ sizes, value: new Uint8Array(10) }));
      assert.equal(image.kind, 'text', sizes.join());
    }
    const line = drawnOf(ndArray({ sizes: [10], value: new Uint8Array(10) }));
    assert.ok(line.kind === 'wave' && line.count === 10);
  });

  it('is the first rows of a table', () => {
    const value = {
      a: Float64Array.from({ length: 1e5 }, (_, at) => at / 2),
      b: Array.from({ length: 1e5 }, (_, at) => (at === 0 ? 'x'.repeat(1e4) : `n${at}`)),
      c: [true],
    };
    const table = drawnOf({ labels: ['A', 'B'], value });
    assert.ok(table.kind === 'table');
    assert.deepEqual(table.labels, ['A', 'B', 'c']);
    assert.deepEqual([table.rowCount, table.columnCount], [1e5, 3]);
    assert.equal(table.rows.length, Math.floor(PLOT_LIMITS.tableCells / 3));
    assert.deepEqual(table.rows[1], ['0.5', 'n1', '']);
    const wide = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`c${at}`, Float64Array.of(at)]),
    );
    const cut = drawnOf({ labels: [], value: wide });
    assert.ok(cut.kind === 'table' && cut.labels.length === PLOT_LIMITS.tableColumns);
  });

  it('is something, whatever a structure calls its fields', () => {
    // String and Number throw for such an object, and a pacer's timer would end the process.
    const odd = { toString: 1, valueOf: 2 };
    const table = drawnOf({ labels: [odd], value: { a: Float64Array.of(1) } });
    assert.ok(table.kind === 'table' && table.labels[0] === '');
    const choice = drawnOf({ value: { index: 0, choices: [odd] } });
    assert.ok(choice.kind === 'choice' && choice.choices[0] === '');
    const image = drawnOf({
      ...{ value: { name: 'ubyteValue', value: Uint8Array.of(1) }, codec: { name: '' } },
      dimension: [{ size: odd }, { size: 1 }],
    });
    assert.equal(image.kind, 'text');
  });
});
