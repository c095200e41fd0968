/**
 * Which functions of src the tests have run, from what V8 counted (NODE_V8_COVERAGE) in the test
 * processes and in the programs that they started: a count belongs to the function of the source file
 * to which its source map leads. Functions that no process has loaded count, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { OUT_OF_REACH } from './outOfReach.mjs';

const root = join(fileURLToPath(import.meta.url), '../../..');

/** In percent. */
export const LEAST_COVERAGE = 90;

/**
 * The functions of each file of src that unit and loopback can reach, and whether they were run, by
 * what V8 wrote into that folder.
 */
export function readCoverage(folder) {
  const files = sourceFiles().map((path) => ({ path, functions: functionsOf(path) }));
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const name of readdirSync(folder)) {
    const { result = [], 'source-map-cache': maps = {} } = parsed(join(folder, name));
    for (const script of result) {
      const cached = maps[script.url];
      if (cached?.data) markRun(script, cached, byPath);
    }
  }
  return files.filter(({ functions }) => functions.length > 0);
}

/** Of a program that was killed while it wrote, nothing. */
function parsed(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

/** One line, and the percentage. */
export function summarise(files) {
  const all = files.flatMap(({ functions }) => functions);
  const run = all.filter(({ isRun }) => isRun).length;
  const percent = (100 * run) / all.length;
  return {
    percent,
    text: `unit and loopback ran ${percent.toFixed(1)} % of the functions of src that need neither engine nor VS Code (${run} of ${all.length})`,
  };
}

function sourceFiles() {
  return readdirSync(join(root, 'src'), { recursive: true })
    .map((path) => `src/${path.split(sep).join('/')}`)
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .filter((path) => !OUT_OF_REACH.some(({ files }) => files.includes(path)))
    .sort();
}

function functionsOf(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const functions = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const [start, end] = [node.getStart(source), node.end];
      const { line } = source.getLineAndCharacterOfPosition(start);
      functions.push({ start, end, line: line + 1, name: nameOf(node, source), isRun: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  functions.lineStarts = source.getLineStarts();
  return functions;
}

function nameOf(node, source) {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const named = node.name ?? node.parent.name;
  return named ? named.getText(source) : '(callback)';
}

/** Marks what this script has run in the files that went into it. */
function markRun({ functions }, { lineLengths, data }, byPath) {
  const map = new SourceMap(data, { lineLengths });
  const lineStarts = [];
  let next = 0;
  for (const length of lineLengths) {
    lineStarts.push(next);
    next += length + 1;
  }
  for (const { ranges } of functions) {
    const [{ startOffset, count }] = ranges;
    if (count === 0) continue;
    const line = lastAtMost(lineStarts, startOffset);
    const entry = map.findEntry(line, startOffset - lineStarts[line]);
    const file = byPath.get(pathOf(entry.originalSource));
    if (!file) continue;
    const offset = (file.functions.lineStarts[entry.originalLine] ?? 0) + entry.originalColumn;
    const found = innermost(file.functions, offset);
    if (found) found.isRun = true;
  }
}

/** Bundles name their sources from dist, tsx by whole paths. */
function pathOf(source) {
  if (source === undefined) return undefined;
  const path = source.startsWith('file:') ? fileURLToPath(source) : join(root, 'dist', source);
  return relative(root, path).split(sep).join('/');
}

function innermost(functions, offset) {
  let found;
  for (const one of functions) {
    if (one.start <= offset && offset < one.end) found = one; // those inside come later
  }
  return found;
}

function lastAtMost(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}
