import type { DbrData, DbrValue } from './dbrData';
import type { ElementType } from './dbrTypes';

type Numbers = Exclude<DbrValue, string[]>;

function createNumbers(element: Exclude<ElementType, 'STRING'>, length: number): Numbers {
  switch (element) {
    case 'SHORT':
      return new Int16Array(length);
    case 'FLOAT':
      return new Float32Array(length);
    case 'ENUM':
      return new Uint16Array(length);
    case 'CHAR':
      return new Uint8Array(length);
    case 'LONG':
      return new Int32Array(length);
    case 'DOUBLE':
      return new Float64Array(length);
  }
}

/**
 * Converts as a server does when a client asks for another element type than the native one:
 * numbers to strings and back, and between number types as C assigns them (EPICS Base,
 * `dbFastLinkConv.c`). Undefined when a string is not a number and a number is needed.
 */
export function convertDbr(data: DbrData, element: ElementType): DbrData | undefined {
  if (data.element === element) return data;
  const value = data.value;
  if (element === 'STRING') {
    const texts = Array.from(value as ArrayLike<number>, (number) => formatNumber(data, number));
    return { ...data, element, value: texts };
  }
  const numbers = createNumbers(element, value.length);
  for (let i = 0; i < value.length; i++) {
    const from = value[i]!;
    const number = typeof from === 'string' ? parseNumber(data, from) : from;
    if (number === undefined) return undefined;
    numbers[i] = number;
  }
  return { ...data, element, value: numbers };
}

function formatNumber(data: DbrData, number: number): string {
  if (data.element === 'ENUM') return data.enumStrings?.[number] ?? String(number);
  if (data.element !== 'FLOAT' && data.element !== 'DOUBLE') return String(number);
  const precision = data.precision ?? 0;
  if (!Number.isFinite(number)) return Number.isNaN(number) ? 'nan' : number < 0 ? '-inf' : 'inf';
  // A field of 40 bytes holds no more; Base switches to exponents at the same point.
  return precision >= 0 && precision <= 17 && Math.abs(number) < 1e17
    ? number.toFixed(precision)
    : number.toExponential();
}

function parseNumber(data: DbrData, text: string): number | undefined {
  const index = data.enumStrings?.indexOf(text) ?? -1;
  if (index >= 0) return index;
  const number = Number(text);
  return text.trim() === '' || Number.isNaN(number) ? undefined : number;
}
