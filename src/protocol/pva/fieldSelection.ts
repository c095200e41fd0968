/** Which fields a pvRequest or a BitSet selects, as the bits of the leaves. */
import { BitSet } from './bitSet';
import { fieldOf, type PvaStructure, type PvaType } from './types';

/** Calls back with the bit of each field that is not a structure. */
function forEachLeaf(type: PvaStructure, offset: number, visit: (bit: number) => void): void {
  let bit = offset + 1;
  for (const field of type.fields) {
    if (field.type.kind === 'structure') forEachLeaf(field.type, bit, visit);
    else visit(bit);
    bit += field.type.bitCount;
  }
}

function addLeaves(into: BitSet, type: PvaType, offset: number): void {
  if (type.kind === 'structure') forEachLeaf(type, offset, (bit) => into.add(bit));
  else into.add(offset);
}

/** The leaves that `bits` select: a structure's bit selects everything below it. */
export function leavesOf(
  type: PvaStructure,
  bits: BitSet,
  offset = 0,
  into = new BitSet(),
): BitSet {
  if (bits.has(offset)) {
    addLeaves(into, type, offset);
    return into;
  }
  let bit = offset + 1;
  for (const { type: fieldType } of type.fields) {
    if (fieldType.kind === 'structure') leavesOf(fieldType, bits, bit, into);
    else if (bits.has(bit)) into.add(bit);
    bit += fieldType.bitCount;
  }
  return into;
}

/** The leaves that a pvRequest selects; all of them when it names no field of the type. */
export function selectedLeaves(type: PvaStructure, request: PvaType | undefined): BitSet {
  const into = new BitSet();
  const wanted = fieldOf(request, 'field');
  if (wanted?.kind === 'structure') addSelected(into, type, wanted, 0);
  if (into.isEmpty) addLeaves(into, type, 0);
  return into;
}

function addSelected(into: BitSet, type: PvaStructure, wanted: PvaStructure, offset: number): void {
  let bit = offset + 1;
  for (const { name, type: fieldType } of type.fields) {
    const below = fieldOf(wanted, name);
    if (below?.kind === 'structure') {
      const isWhole = below.fields.length === 0 || fieldType.kind !== 'structure';
      if (isWhole) addLeaves(into, fieldType, bit);
      else addSelected(into, fieldType, below, bit);
    }
    bit += fieldType.bitCount;
  }
}

/** The bits that are in both sets. */
export function intersection(a: BitSet, b: BitSet): BitSet {
  const both = new BitSet();
  for (const bit of a) if (b.has(bit)) both.add(bit);
  return both;
}
