import { printable } from '../base/printable';
import type { Problem } from './snapshot';

/** A problem as a person reads it, printable. */
export function sentence({ message, advice }: Pick<Problem, 'message' | 'advice'>): string {
  return printable(`${message.replace(/\.$/, '')}. ${advice}`);
}
