/** Schemas of what stands in many messages. */
import * as v from 'valibot';
import type { Endpoint } from '../model/endpoint';
import type { PvProtocol } from '../model/snapshot';
import { object, oneOf, type Schema } from './schema';

/** Numbers of IPv4 and IPv6, with the interface of a link-local one. */
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
