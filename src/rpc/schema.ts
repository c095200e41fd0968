/**
 * Schemas of the messages between front end and broker, on top of valibot. Texts and lists have
 * limits, and an error is a sentence that names the place.
 */
import * as v from 'valibot';

/** Accepts values of the shape of T; fields that it does not name pass unchecked. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** No name, sentence or path is longer. Values of PVs are not checked as texts. */
const MAX_TEXT = 1024 * 1024;
const MAX_ITEMS = 1_000_000;

/** A string of bounded length. */
export const text = v.pipe(v.string('text'), v.maxLength(MAX_TEXT, 'text'));
/** A boolean. */
export const flag = v.boolean('true or false');
/** Any number; NaN and the infinities are values of PVs, too. */
export const number = v.custom<number>((value) => typeof value === 'number', 'a number');
/** A whole number, 0 or more. */
export const count = v.pipe(
  v.number('a whole number'),
  v.safeInteger('a whole number'),
  v.minValue(0, 'a whole number'),
);

/** One of a closed set of words. */
export function oneOf<const W extends string>(words: readonly W[]): Schema<W> {
  return v.picklist(words, words.join(' or '));
}

/**
 * A word for programs, such as `exposed`. Any word is accepted, because a newer side may know more
 * than T has.
 */
export function word<T extends string>(): Schema<T> {
  return v.custom<T>(
    (value) => typeof value === 'string' && /^[\w:-]{0,64}$/.test(value),
    'a word',
  );
}

/** Anything; whoever uses it checks it. */
export function anything<T>(): Schema<T> {
  return v.custom<T>(() => true);
}

/** A list of bounded length. */
export function list<T>(item: Schema<T>): Schema<readonly T[]> {
  return v.pipe(v.array(item, 'a list'), v.maxLength(MAX_ITEMS, 'a list'));
}

/** An object with these fields; further fields pass unchecked. */
export function object<const F extends v.ObjectEntries>(fields: F): v.ObjectSchema<F, string> {
  return v.object(fields, 'an object');
}

/** A field that may be absent. */
export function optional<const S extends Schema<unknown>>(
  schema: S,
): v.ExactOptionalSchema<S, undefined> {
  return v.exactOptional(schema);
}

/** An object with values of one shape, under any names. */
export function record<T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return v.record(text, item, 'an object');
}

/**
 * Checks a value and returns it.
 * @throws Error that says where it does not fit: "expected text in hello.snapshot"
 */
export function check<T>(schema: Schema<T>, value: unknown, where: string): T {
  const { issues } = v.safeParse(schema, value, { abortEarly: true });
  if (!issues) return value as T;
  const [issue] = issues;
  const path = v.getDotPath(issue)?.slice(0, 200);
  const place = path ? `${where}.${path}` : where;
  const isMissing = issue.type === 'object' && issue.input === undefined && path !== undefined;
  throw new Error(isMissing ? `${place} is missing` : `expected ${issue.message} in ${place}`);
}
