import { type Disposable, toDisposable } from '../../base/disposable';
import { BitSet } from './bitSet';
import type { PvaStructure } from './types';
import {
  asStructure,
  defaultStructure,
  type PvaStructureValue,
  type PvaValue,
  setField,
} from './values';

/** Gets the new value; `changed` names the fields that changed. */
export type PvListener = (value: PvaStructureValue, changed: BitSet) => void;

/** A PV that a PvaServerConnection serves. */
export interface PvaServedPv {
  readonly type: PvaStructure;
  readonly value: PvaStructureValue;
  /** Calls back after each change. */
  subscribe(listener: PvListener): Disposable;
}

/** What a PvaServerConnection serves. */
export interface PvaProvider {
  /** Names for the list of channels; `find` may know more. */
  names(): readonly string[];
  find(name: string): PvaServedPv | undefined;
}

/** A PV that keeps its value, changed by `post`. */
export class StoredPv implements PvaServedPv {
  #value: PvaStructureValue;
  readonly #listeners = new Set<PvListener>();

  constructor(
    readonly type: PvaStructure,
    initial: PvaStructureValue = {},
  ) {
    this.#value = merge(type, defaultStructure(type), initial, 0, new BitSet());
  }

  get value(): PvaStructureValue {
    return this.#value;
  }

  subscribe(listener: PvListener): Disposable {
    // A wrapper, so that one function subscribed twice is called and removed twice.
    const entry: PvListener = (value, changed) => listener(value, changed);
    this.#listeners.add(entry);
    return toDisposable(() => this.#listeners.delete(entry));
  }

  /** Changes the given fields, nested as in the type, and reports exactly those as changed. */
  post(changes: PvaStructureValue): void {
    const changed = new BitSet();
    this.#value = merge(this.type, this.#value, changes, 0, changed);
    for (const listener of [...this.#listeners]) listener(this.#value, changed);
  }
}

function merge(
  type: PvaStructure,
  old: PvaStructureValue,
  changes: PvaStructureValue,
  offset: number,
  changed: BitSet,
): PvaStructureValue {
  const merged: Record<string, PvaValue> = { ...old };
  let bit = offset + 1;
  for (const { name, type: fieldType } of type.fields) {
    const change = Object.hasOwn(changes, name) ? changes[name] : undefined;
    if (change !== undefined) {
      if (fieldType.kind === 'structure') {
        const below = asStructure(old[name]) ?? defaultStructure(fieldType);
        setField(merged, name, merge(fieldType, below, asStructure(change) ?? {}, bit, changed));
      } else {
        setField(merged, name, change);
        changed.add(bit);
      }
    }
    bit += fieldType.bitCount;
  }
  return merged;
}
