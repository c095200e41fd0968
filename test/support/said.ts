/** What a terminal would say of problems and notes: for tests that care what people read. */
import type { Note } from '../../src/model/note';
import type { Problem } from '../../src/model/problem';
import { TERMINAL_WORDS } from '../../src/present/frontEndWords';
import { notesText } from '../../src/present/noteText';
import { problemText } from '../../src/present/problemText';

/** '' where nothing is wrong. */
export function said(problem: Problem | undefined): string {
  return problem ? problemText(problem, TERMINAL_WORDS).message : '';
}

export function advised(problem: Problem | undefined): string {
  return problem ? problemText(problem, TERMINAL_WORDS).advice : '';
}

/** '' where there is nothing to say. */
export function noted(notes: readonly Note[] | undefined): string {
  return notesText(notes, TERMINAL_WORDS);
}
