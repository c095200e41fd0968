import { quoteEnd } from './lines';
import { type FileText, unescaped } from './pvReference';
import { type ReferenceList, within } from './referenceList';
import { readXml } from './xmlElements';

/** Properties of caQtDM and PyDM that hold PVs. */
const CHANNEL = /^channels?(?:[_A-Z].*)?$|Channel$|^pv|PV$|PVname$/;
/** Several PVs of caQtDM in one text. */
const SEPARATOR = ';';
/** Properties with JSON of PyDM, in which these keys hold PVs. */
const JSON_KEY = /"(?:\w+_)?channel"\s{0,20}:\s{0,20}"/g;

/** Finds the PVs in files of the Qt Designer (.ui), of caQtDM and PyDM. */
export function readDesigner(text: string, list: ReferenceList): void {
  readXml(text, {
    opened: () => undefined,
    closed({ name, parent }, content) {
      const isList = parent?.name === 'stringlist';
      const property = isList ? parent.parent : parent;
      if (name !== 'string' || property?.name !== 'property') return;
      const key = property.attributes['name'] ?? '';
      if (/^\[?\s*\{/.test(content.text.trimStart())) addJson(content, list);
      else if (CHANNEL.test(key)) addSeveral(content, list);
      else if (key === 'args' || key === 'macro' || key === 'macros') {
        addPieces(content, SEPARATOR, (piece) => list.addDefinitions(piece));
      }
      return !list.isFull;
    },
  });
}

function addSeveral(content: FileText, list: ReferenceList): void {
  addPieces(content, SEPARATOR, (piece) => {
    if (!/^[-+.\d]*$/.test(piece.text.trim())) list.addPv(piece);
  });
}

function addPieces(content: FileText, separator: string, add: (piece: FileText) => void): void {
  let at = 0;
  for (const piece of content.text.split(separator)) {
    add(within(content, at, piece));
    at += piece.length + separator.length;
  }
}

function addJson(content: FileText, list: ReferenceList): void {
  const { text } = content;
  for (const match of text.matchAll(JSON_KEY)) {
    const start = match.index + match[0].length;
    const end = quoteEnd(text, start, '"');
    if (end < text.length) list.addPv(unescaped(within(content, start, text.slice(start, end))));
  }
}
