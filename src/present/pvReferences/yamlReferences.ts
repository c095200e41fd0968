import { CST, Lexer, Parser } from 'yaml';
import { readCommands } from './iocshReferences';
import { type FileText, plainText, unescaped } from './pvReference';
import type { ReferenceList } from './referenceList';

/** No file of an IOC is that long; the parser takes a second for it. */
const MAX_CHARACTERS = 1_000_000;
/** Deeper files are read up to there; the parser nests its calls as deeply. */
const MAX_DEPTH = 100;
const SCALARS = ['scalar', 'single-quoted-scalar', 'double-quoted-scalar'];

/** Values of ibek that are commands of the IOC shell: `command: dbpf X 1`. */
const COMMAND = /command$/i;

/** Finds the values in a YAML file: parts of PV names, rarely a whole one, and commands. */
export function readYaml(text: string, list: ReferenceList): void {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text.slice(0, MAX_CHARACTERS))) {
    for (const token of parser.next(lexeme)) addValues([token], list);
    if (list.isFull) return;
    if (parser.stack.length > MAX_DEPTH) return addValues(parser.stack, list);
  }
  for (const token of parser.end()) addValues([token], list);
}

function addValues(tokens: readonly CST.Token[], list: ReferenceList): void {
  const waiting = [...tokens];
  for (let token = waiting.pop(); token && !list.isFull; token = waiting.pop()) {
    if (token.type === 'document') {
      if (token.value) waiting.push(token.value);
    } else if ('items' in token) {
      for (const { key, sep, value } of token.items) {
        if (value && isCommand(key, value)) addCommands(value, list);
        else if (value) waiting.push(value);
        // `[a, b]` holds keys without a separator.
        else if (key && !sep) waiting.push(key);
        // `P: TEST:` is no value to YAML, but to whoever types it.
        else if (key?.type === 'scalar' && sep?.[0]?.type === 'map-value-ind') {
          list.addPart(plainText(`${key.source}:`, key.offset), 'part');
        }
      }
    } else if (CST.isScalar(token)) addScalar(token, list);
  }
}

/** A text of several lines is one of commands, whatever it is called. */
function isCommand(key: CST.Token | null | undefined, value: CST.Token): value is Scalar {
  if (value.type === 'block-scalar') return true;
  return CST.isScalar(value) && CST.isScalar(key ?? null) && COMMAND.test((key as Scalar).source);
}

type Scalar = CST.FlowScalar | CST.BlockScalar;

function addCommands(value: Scalar, list: ReferenceList): void {
  if (value.type !== 'block-scalar') return readCommands(contentOf(value), list);
  const header = value.props.at(-1);
  const start = header && 'source' in header ? header.offset + header.source.length : value.offset;
  readCommands(plainText(value.source, start), list);
}

function addScalar(value: Scalar, list: ReferenceList): void {
  if (value.type === 'block-scalar') addCommands(value, list);
  else if (SCALARS.includes(value.type) && !value.source.includes('\n')) {
    list.addPart(contentOf(value), 'part');
  }
}

/** Without its quotes. */
function contentOf({ type, source, offset }: CST.FlowScalar): FileText {
  const quote = type === 'scalar' ? '' : source.charAt(0);
  // While it is typed, the other quote is not there.
  const end = source.endsWith(quote) ? source.length - quote.length : source.length;
  const value = plainText(source.slice(quote.length, end), offset + quote.length);
  return quote === '"' ? unescaped(value) : value;
}
