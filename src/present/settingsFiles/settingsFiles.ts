/** Reads what devcontainer.json and compose files say of EPICS: text to data. */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Setting } from '../../model/diagnosis/clientSettings';
import type {
  ContainerSettings,
  PortSetting,
  WorkspaceFile,
} from '../../model/diagnosis/workspaceSettings';

/** Of one file; those of other things are of no use here. */
const MAX_SERVICES = 200;
const MAX_ITEMS = 1000;
/** Of all maps of a file together, with what is merged into them again and again. */
const MAX_ENTRIES = 20_000;

/** A file as a tree, with the lines of its parts. */
interface Tree {
  readonly file: string;
  /** What aliases stand for, by their names; null for a name that is used twice. */
  readonly anchors: ReadonlyMap<string, Node | null>;
  readonly root: YAMLMap | undefined;
  entriesLeft: number;
  readonly lineOf: (node: Node) => number;
  readonly problem?: WorkspaceFile['problem'];
}

/** A devcontainer.json, with comments and commas at the end. Does not throw. */
export function parseDevcontainer(text: string, file: string): WorkspaceFile {
  const tree = treeOf(withoutComments(text), file);
  const { root, problem } = tree;
  const settings = ['containerEnv', 'remoteEnv'].flatMap((key) =>
    settingsOf(tree, partOf(tree, root, key)),
  );
  const ports = (['forwardPorts', 'appPort'] as const).flatMap((key) =>
    portsOf(tree, key, partOf(tree, root, key)),
  );
  const customizations = partOf(tree, root, 'customizations');
  const ignored = partOf(tree, customizations, 'settings');
  const compose = partOf(tree, root, 'dockerComposeFile');
  return {
    file,
    containers: [{ settings, ports }],
    includes: itemsOf(compose).flatMap((item) => textOf(item) ?? []),
    ...(hasPortSettings(ignored) && { ignored: { file, line: tree.lineOf(ignored) } }),
    ...(problem && { problem }),
  };
}

/** A file of compose. Does not throw. */
export function parseCompose(text: string, file: string): WorkspaceFile {
  const tree = treeOf(text, file);
  const services = partOf(tree, tree.root, 'services');
  return {
    file,
    containers: entriesOf(tree, services)
      .slice(0, MAX_SERVICES)
      .flatMap(({ key, value: body }): ContainerSettings[] => {
        if (!isMap(body)) return [];
        return [
          {
            service: textOf(key) ?? '',
            settings: settingsOf(tree, partOf(tree, body, 'environment')),
            ports: portsOf(tree, 'ports', partOf(tree, body, 'ports')),
          },
        ];
      }),
    includes: itemsOf(partOf(tree, tree.root, 'include')).flatMap((item) => {
      const path = isMap(item) ? partOf(tree, item, 'path') : item;
      return itemsOf(path).flatMap((one) => textOf(one) ?? []);
    }),
    ...(tree.problem && { problem: tree.problem }),
  };
}

/** Deeper files are not read: the parser nests its calls as deeply, and may end the program. */
const MAX_DEPTH = 100;

/** That keys are unique is compared pair by pair. */
const OPTIONS = { logLevel: 'silent', uniqueKeys: false } as const;

function treeOf(text: string, file: string): Tree {
  const lineCounter = new LineCounter();
  const lineOf = (node: Node): number => lineCounter.linePos(node.range?.[0] ?? 0).line;
  const unread = (reason: string, line?: number): Tree => ({
    ...{ file, anchors: new Map(), root: undefined, entriesLeft: 0, lineOf },
    problem: { file, ...(line !== undefined && { line }), reason },
  });
  const tokens = tokensOf(text, lineCounter);
  if (!tokens) return unread('it is nested too deeply');
  const [document] = new Composer(OPTIONS).compose(tokens);
  const [error] = document?.errors ?? [];
  if (error) return unread(error.message, lineCounter.linePos(error.pos[0]).line);
  const root = isMap(document?.contents) ? document.contents : undefined;
  return { file, anchors: anchorsIn(document), root, entriesLeft: MAX_ENTRIES, lineOf };
}

function anchorsIn(document: Document | undefined): Map<string, Node | null> {
  const anchors = new Map<string, Node | null>();
  if (!document) return anchors;
  visit(document, {
    Value: (_, node) => {
      if (node.anchor === undefined) return;
      anchors.set(node.anchor, anchors.has(node.anchor) ? null : node);
    },
  });
  return anchors;
}

/** undefined: it is nested too deeply. */
function tokensOf(text: string, lineCounter: LineCounter): CST.Token[] | undefined {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) return undefined;
  }
  return [...tokens, ...parser.end()];
}

/** Comments of JSON, and tabs, which YAML does not take, become blanks. */
function withoutComments(text: string): string {
  // A text that is not closed ends with the file; else each quote in it would be tried.
  return text.replace(/"(?:\\[^]|[^"\\])*(?:"|$)|\/\/[^\n]*|\/\*[^]*?\*\/|\t/g, (part) =>
    part.startsWith('"') ? part : part.replace(/[^\n]/g, ' '),
  );
}

/** The value of a key of a map. */
function partOf(tree: Tree, map: Node | undefined, name: string): Node | undefined {
  const [last] = entriesOf(tree, map)
    .filter(({ key }) => textOf(key) === name)
    .slice(-1);
  return last?.value;
}

interface Entry {
  readonly key: Node;
  readonly value: Node | undefined;
}

/** Merged maps (`<<: *common`) may be merged themselves, and so on. */
const MAX_MERGES = 5;

/** The entries of a map, those of maps that are merged into it first. */
function entriesOf(tree: Tree, map: Node | undefined, depth = 0): Entry[] {
  if (!isMap(map) || depth > MAX_MERGES) return [];
  const own: Entry[] = [];
  const merged: Entry[] = [];
  for (const item of map.items) {
    if (tree.entriesLeft-- <= 0) break;
    const key = item.key as Node;
    const value = resolved(tree, item.value as Node | null);
    if (textOf(key) !== '<<') own.push({ key, value });
    else {
      for (const one of itemsOf(value))
        merged.push(...entriesOf(tree, resolved(tree, one), depth + 1));
    }
  }
  return [...merged, ...own];
}

function resolved({ anchors }: Tree, node: Node | null): Node | undefined {
  return (isAlias(node) ? anchors.get(node.source) : node) ?? undefined;
}

function itemsOf(node: Node | undefined): Node[] {
  if (!node) return [];
  return isSeq(node) ? (node.items.slice(0, MAX_ITEMS) as Node[]) : [node];
}

function textOf(node: Node | undefined): string | undefined {
  if (!isScalar(node)) return undefined;
  const { value } = node;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? `${value}`
    : undefined;
}

/** `NAME: VALUE`, or a list of `NAME=VALUE`. */
function settingsOf(tree: Tree, node: Node | undefined): Setting[] {
  const { file, lineOf } = tree;
  if (isMap(node)) {
    return entriesOf(tree, node).flatMap(({ key, value }) => {
      const text = textOf(value);
      return text === undefined ? [] : settingOf(textOf(key) ?? '', text, file, lineOf(key));
    });
  }
  return itemsOf(node).flatMap((item) => {
    const [, name = '', value] = /^(\w+)=([^]*)$/.exec(textOf(item) ?? '') ?? [];
    return value === undefined ? [] : settingOf(name, value, file, lineOf(item));
  });
}

function settingOf(name: string, value: string, file: string, line: number): Setting[] {
  if (!/^EPICS_\w{1,60}$/.test(name)) return [];
  // What others replace before a client sees it.
  const isUnknown = value.includes('$');
  return [{ name, value: isUnknown ? '' : value, file, line, ...(isUnknown && { isUnknown }) }];
}

function portsOf(tree: Tree, key: PortSetting['key'], node: Node | undefined): PortSetting[] {
  return itemsOf(node).flatMap((item) => {
    // An alias may name the same list in each of many services.
    if (tree.entriesLeft-- <= 0) return [];
    const where = { key, file: tree.file, line: tree.lineOf(item) };
    if (isMap(item)) {
      const inside = portIn(textOf(partOf(tree, item, 'target')));
      const here = portIn(textOf(partOf(tree, item, 'published')));
      return inside === undefined ? [] : [{ ...where, inside, ...(here && { here }) }];
    }
    const pairs = pairsIn(textOf(item) ?? '', key).slice(0, Math.max(0, tree.entriesLeft));
    tree.entriesLeft -= pairs.length;
    return pairs.map((pair) => ({ ...where, ...pair }));
  });
}

/** At most as many ports of a range. */
const MAX_RANGE = 100;

/** `5064`, `8064:5064`, `127.0.0.1:5064-5065:5064-5065/udp`; nothing of what has a variable. */
function pairsIn(text: string, key: PortSetting['key']): { inside: number; here?: number }[] {
  const pattern =
    /^(?:.*?:)??(?:(\d{1,5})(?:-\d{1,5})?:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp))?$/;
  const [, hereText, insideText, lastText] = pattern.exec(text.trim()) ?? [];
  const first = portIn(insideText);
  if (first === undefined || text.includes('$')) return [];
  const last = Math.min(portIn(lastText) ?? first, first + MAX_RANGE);
  // A single number is published as any in compose, and as itself in devcontainer.json.
  const here = portIn(hereText) ?? (key === 'appPort' ? first : undefined);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => ({
    inside: first + at,
    ...(here !== undefined && { here: here + at }),
  }));
}

function portIn(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Whether there are settings about ports, such as `remote.autoForwardPorts`. */
function hasPortSettings(node: Node | undefined): node is YAMLMap {
  return isMap(node) && node.items.some(({ key }) => textOf(key as Node)?.startsWith('remote.'));
}
