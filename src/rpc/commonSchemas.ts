/** Schemas of parts of many messages. */
import * as v from 'valibot';
import type { Endpoint } from '../model/endpoint';
import type { IocPlace, RecordPlace, SimilarPv } from '../model/iocPlace';
import type { PvProtocol } from '../model/snapshot';
import { count, list, object, oneOf, type Schema, text } from './schema';

/** A numeric IPv4 or IPv6 address, with the interface of a link-local one. */
export const host = v.custom<string>(
  (value) => typeof value === 'string' && /^[\w.:-]{1,255}(%[\w.-]{1,64})?$/.test(value),
  'an address',
);
export const port = v.pipe(
  v.number('a port'),
  v.integer('a port'),
  v.minValue(1, 'a port'),
  v.maxValue(65_535, 'a port'),
);
export const endpoint: Schema<Endpoint> = object({ host, port });
export const protocol: Schema<PvProtocol> = oneOf(['ca', 'pva']);

export const iocPlace: Schema<IocPlace> = object({ iocName: text, containerName: text });
export const recordPlaces: Schema<readonly RecordPlace[]> = list(
  object({ iocName: text, containerName: text, file: text, line: count }),
);
export const similarPvs: Schema<readonly SimilarPv[]> = list(
  object({ name: text, iocName: text, containerName: text }),
);
