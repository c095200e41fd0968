import type { ComparedShape } from './nameShapes';

const HEAD = `# Names from files

Channel Access servers list no names, so epics-expose reads the startup script and the databases of an IOC as the IOC
itself does. \`npm run names\` writes this page: each line is a small script of our own that shows one shape seen in
public IOCs (\`test/fixtures/names\`), read by us and run by a real softIoc of EPICS Base 7.0.10, in the same
environment. _dbl_ is the number of names that softIoc lists, _found_ the number of ours; a name that is missing must
be announced by the note, and none is invented. Commands of modules that softIoc lacks are written out for it.

Of the environment of an IOC process, all of it counts for macros, and none of it is kept: a value shows only within a
name or in the path of a file that was read. Notes say \`$(NAME)\` in its place.
`;

/** The text of docs/names.md. */
export function namesPage(compared: readonly ComparedShape[]): string {
  const kinds = [...new Set(compared.map(({ shape }) => shape.kind))];
  const total = compared.reduce((sum, { listed }) => sum + listed.length, 0);
  const missing = compared.flatMap((one) => one.missing).length;
  const invented = compared.flatMap((one) => one.invented).length;
  const sections = kinds.map((kind) => {
    const rows = compared.filter(({ shape }) => shape.kind === kind).map(row);
    return `\n## ${kind}\n\n| Shape | dbl | found | Note |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  });
  const sum = `\n${compared.length} shapes, ${total} names: ${missing} missing, each with a note; ${invented} invented.\n`;
  return `${HEAD}${sum}${sections.join('')}`;
}

function row({ shape, listed, found, missing }: ComparedShape): string {
  const count =
    missing.length > 0 ? `${found.names.length}, ${missing.length} missing` : found.names.length;
  return `| ${cell(shape.title)} | ${listed.length} | ${count} | ${cell(found.said)} |\n`;
}

/** A file of the rubbish has no name that belongs here; `|` would end the cell. */
function cell(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 160)}...` : text;
  return short.replace(/[|<>*_\\`]/g, (character) => `\\${character}`);
}
