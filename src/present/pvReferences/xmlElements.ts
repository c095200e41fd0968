import { Parser } from 'htmlparser2';
import type { FileText } from './pvReference';

/** An element while it is read. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly parent: XmlElement | undefined;
}

/** What is done with the elements, in the order of the file; `false` ends the reading. */
export interface XmlReader {
  opened(element: XmlElement): void;
  /** `content`: its own text, that of elements within it excluded. */
  closed(element: XmlElement, content: FileText): boolean | void;
}

/** Elements within elements; displays have some twenty. A deeper file is read up to there. */
const MAX_DEPTH = 200;
/** Fed at once: the parser cannot be stopped within, and deep nesting takes it time. */
const PIECE = 8192;
/** A longer text is not kept. */
const MAX_CONTENT = 16_384;

const CDATA = '<![CDATA[';

/** Text with the place of each piece; the parser cuts it where something is escaped. */
class Content implements FileText {
  text = '';
  /** Where each piece begins in `text`, and in the file. */
  readonly #pieces: { index: number; start: number; end: number }[] = [];

  add(text: string, start: number, end: number): void {
    if (this.text.length + text.length > MAX_CONTENT) return;
    this.#pieces.push({ index: this.text.length, start, end });
    this.text += text;
  }

  placeOf(index: number): number {
    // The last one that begins at the index, or before it.
    let [at, end] = [0, this.#pieces.length];
    while (end - at > 1) {
      const middle = (at + end) >> 1;
      if ((this.#pieces[middle]?.index ?? 0) > index) end = middle;
      else at = middle;
    }
    const piece = this.#pieces[at];
    if (!piece) return 0;
    // An entity is longer in the file than its character.
    const isEnd = index >= this.text.length;
    return isEnd ? piece.end : Math.min(piece.start + index - piece.index, piece.end);
  }
}

/**
 * Reads XML as far as it goes: a file that is being typed, or is none at all, gives the elements
 * that it has. Declared entities are not expanded. Does not throw.
 */
export function readXml(text: string, reader: XmlReader): void {
  const open: { element: XmlElement; content: Content }[] = [];
  let isOver = false;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        const element = { name, attributes, parent: open.at(-1)?.element };
        open.push({ element, content: new Content() });
        if (!isOver) reader.opened(element);
      },
      ontext(data) {
        const isCdata = text.startsWith(CDATA, parser.startIndex);
        const start = parser.startIndex + (isCdata ? CDATA.length : 0);
        const end = isCdata ? start + data.length : parser.endIndex + 1;
        open.at(-1)?.content.add(data, start, end);
      },
      onclosetag() {
        const closed = open.pop();
        if (!closed || isOver) return;
        isOver = reader.closed(closed.element, closed.content) === false;
      },
    },
    { xmlMode: true },
  );
  for (let at = 0; at < text.length && !isOver && open.length <= MAX_DEPTH; at += PIECE) {
    parser.write(text.slice(at, at + PIECE));
  }
  parser.end();
}
