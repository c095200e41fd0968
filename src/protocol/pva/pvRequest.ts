import type { PvaStructureValue } from './values';
import { type PvaField, type PvaStructure, scalarType, structureType } from './types';

/** What a client asks of an operation (fields, options), sent with its INIT; see `pvRequest`. */
export interface PvRequest {
  readonly type: PvaStructure;
  readonly value: PvaStructureValue;
}

/** All fields, no options: an empty structure, as pvxs sends it. */
export const REQUEST_ALL: PvRequest = { type: structureType('', {}), value: {} };

/**
 * Builds a pvRequest from fields by dotted path (none: all) and record options, like pvData's
 * createRequest('record[queueSize=4]field(alarm,timeStamp)'). Option values are sent as strings.
 */
export function pvRequest(
  fields: readonly string[],
  options: Readonly<Record<string, string>> = {},
): PvRequest {
  const members: PvaField[] = [];
  const value: Record<string, PvaStructureValue> = {};
  const optionNames = Object.keys(options);
  if (optionNames.length > 0) {
    const type = structureType(
      '',
      optionNames.map((name) => ({ name, type: scalarType('string') })),
    );
    members.push({ name: 'record', type: structureType('', { _options: type }) });
    value['record'] = { _options: { ...options } };
  }
  members.push({ name: 'field', type: fieldTree(fields) });
  return { type: structureType('', members), value };
}

/** `alarm.severity` becomes structures within structures, the innermost empty. */
function fieldTree(paths: readonly string[]): PvaStructure {
  const children = new Map<string, string[]>();
  for (const path of paths) {
    const [name = '', ...rest] = path.split('.');
    const below = children.get(name) ?? [];
    if (rest.length > 0) below.push(rest.join('.'));
    children.set(name, below);
  }
  return structureType(
    '',
    [...children].map(([name, below]) => ({ name, type: fieldTree(below) })),
  );
}
