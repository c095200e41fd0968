/** Checks of what came over a socket: each says whether a value is what it should be, or where not. */

/** Throws Error with the place of what is wrong. What it does not know of it lets pass. */
export type Shape = (value: unknown, where: string) => void;

export function wrong(where: string, wanted: string): never {
  throw new Error(`expected ${wanted} in ${where}`);
}

/** Longer is no name, sentence or path; values of PVs are not checked as texts. */
const MAX_TEXT = 1024 * 1024;
const MAX_ITEMS = 1_000_000;

export const text: Shape = (value, where) => {
  if (typeof value !== 'string' || value.length > MAX_TEXT) wrong(where, 'text');
};

/** A word for programs, such as `exposed` or `port-taken`. */
export const word: Shape = (value, where) => {
  if (typeof value !== 'string' || !/^[\w:-]{0,64}$/.test(value)) wrong(where, 'a word');
};

export const flag: Shape = (value, where) => {
  if (typeof value !== 'boolean') wrong(where, 'true or false');
};

export const count: Shape = (value, where) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) wrong(where, 'a whole number');
};

export const number: Shape = (value, where) => {
  if (typeof value !== 'number') wrong(where, 'a number');
};

export const anything: Shape = () => undefined;

export function optional(shape: Shape): Shape {
  return (value, where) => {
    if (value !== undefined && value !== null) shape(value, where);
  };
}

export function list(shape: Shape): Shape {
  return (value, where) => {
    if (!Array.isArray(value) || value.length > MAX_ITEMS) return wrong(where, 'a list');
    value.forEach((item, index) => shape(item, `${where}[${index}]`));
  };
}

export function object(fields: Readonly<Record<string, Shape>>): Shape {
  const shapes = Object.entries(fields);
  return (value, where) => {
    if (!isObject(value)) return wrong(where, 'an object');
    for (const [name, shape] of shapes) shape(value[name], `${where}.${name}`);
  };
}

/** Of any names, each value of that shape. */
export function record(shape: Shape): Shape {
  return (value, where) => {
    if (!isObject(value)) return wrong(where, 'an object');
    for (const [name, item] of Object.entries(value)) {
      text(name, where);
      shape(item, `${where}.${name.slice(0, 64)}`);
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
