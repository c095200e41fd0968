import { plural } from '../../base/plural';
import { clipped } from '../../base/clipped';
import { scalarText } from '../../base/scalarText';
import type { PvaStructureValue } from '../../protocol/pva';

/** Names of columns that are told; a table may have very many. */
const MAX_COLUMNS = 20;
const MAX_WORDS = 300;

/**
 * What a structure of several parts is, in words for the user:
 * `NTNDArray 1000x1000 ubyte, codec none, 1000000 bytes, uniqueId 12`, or
 * `NTTable 3 columns x 10 rows: a, b, c`. Undefined for others. Recognised by their fields, because
 * the id of a structure is not part of its value.
 */
export function summaryOf(structure: PvaStructureValue): string | undefined {
  const text = imageSummary(structure) ?? tableSummary(structure);
  return text === undefined ? undefined : clipped(text, MAX_WORDS);
}

function imageSummary(structure: PvaStructureValue): string | undefined {
  const { value, codec, dimension, uniqueId } = structure;
  if (!isStructure(value) || !isStructure(codec) || !Array.isArray(dimension)) return undefined;
  const { name, value: pixels } = value;
  const sizes = dimension.map((one: unknown) => (isStructure(one) ? scalarText(one['size']) : ''));
  const type = typeof name === 'string' ? name.replace(/Value$/, '') : 'empty';
  const bytes = ArrayBuffer.isView(pixels) ? pixels.byteLength : 0;
  const codecName = typeof codec['name'] === 'string' ? codec['name'] : '';
  return [
    `NTNDArray ${sizes.length > 0 ? `${sizes.join('x')} ` : ''}${type}`,
    `codec ${codecName === '' ? 'none' : codecName}`,
    `${bytes} bytes`,
    ...(typeof uniqueId === 'number' ? [`uniqueId ${uniqueId}`] : []),
  ].join(', ');
}

function tableSummary({ labels, value }: PvaStructureValue): string | undefined {
  if (!Array.isArray(labels) || !isStructure(value)) return undefined;
  const all: readonly unknown[] = Object.values(value);
  const columns = all.filter(isList);
  if (columns.length === 0 || columns.length < all.length) return undefined;
  const rows = columns.reduce((most, { length }) => Math.max(most, length), 0);
  const names = labels.slice(0, MAX_COLUMNS).map(scalarText).join(', ');
  const more = labels.length > MAX_COLUMNS ? ', ...' : '';
  return `NTTable ${plural(columns.length, 'column')} x ${plural(rows, 'row')}: ${names}${more}`;
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
