import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatEnvironment } from '../../../src/present/clientEnvironment';
import { quoteFor, type Shell } from '../../../src/present/shellQuote';
import { skip } from '../../support/skip';

/** What a shell could be made to run, expand or lose; `@` stands for a file that must not appear. */
const HOSTILE = [
  '127.0.0.1$(touch @):5063',
  '`touch @`',
  "'; touch @; '",
  '"; touch @; "',
  "\\'; touch @; \\'",
  'a\\',
  "it's\\",
  '$HOME $' + '{HOME} %PATH% !! !touch !$ \\!x',
  'a\ntouch @\nb',
  '; touch @ # & | > @ < * ? ~ [a-z] {a,b} (x) ^ =',
  ' two  blanks ',
  '-n',
  '',
  'é \u202e \u2018 x \u2019 \u001b[31m',
];

describe('quoting for a shell', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'epics-expose-quote-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const shells: [Shell, string, string][] = [
    ['bash', 'bash', 'eval "$(cat FILE)"'],
    ['bash', 'dash', '. FILE'],
    ['fish', 'fish', 'source FILE'],
    ['csh', 'tcsh', 'source FILE'],
    ['powershell', 'pwsh', '. FILE'],
  ];
  for (const [shell, program, read] of shells) {
    it(`${program} reads what was written, and runs nothing of it`, function () {
      if (spawnSync(program, ['-c', 'exit 0']).error) {
        skip(this, `${program} is not installed`, 'platform');
      }
      const touched = join(folder, `touched-${program}`);
      const values = HOSTILE.map((text) => text.replaceAll('@', touched));
      const environment = Object.fromEntries(values.map((value, at) => [`EE_VALUE_${at}`, value]));
      const file = join(folder, `env.${program}.ps1`);
      writeFileSync(file, `${formatEnvironment(environment, shell).join('\n')}\n`);
      const show = `'${process.execPath}' -p 'JSON.stringify(process.env)'`;
      const command = `${read.replace('FILE', file)}\n${shell === 'powershell' ? '& ' : ''}${show}`;
      const { stdout, stderr } = spawnSync(program, ['-c', command], {
        env: { PATH: process.env['PATH'], HOME: folder },
        encoding: 'utf8',
      });
      const seen = JSON.parse(stdout || '{}') as Record<string, string>;
      assert.deepEqual(
        values.map((_value, at) => seen[`EE_VALUE_${at}`] ?? ''),
        values,
        stderr,
      );
      assert.equal(spawnSync('ls', [touched]).status, 2, 'something was run');
    });
  }

  const table: [Shell, string, string | undefined][] = [
    ['powershell', "a'b", "'a''b'"],
    ['powershell', '\u2018; ri x; \u2019', "'\u2018\u2018; ri x; \u2019\u2019'"],
    ['powershell', '$(ri x) `n', "'$(ri x) `n'"],
    ['cmd', 'a & b | c ^ %PATH%', 'a & b | c ^ %%PATH%%'],
    ['cmd', 'a" & del x & "', undefined],
    ['cmd', 'a\r\ndel x', undefined],
    ['cmd', 'a!PATH!', undefined],
    ['dotenv', 'a b#c', '"a b#c"'],
    ['dotenv', '$(rm) `x` "y" \\', '\'$(rm) `x` "y" \\\''],
    ['dotenv', "it's $x", undefined],
    ['dotenv', 'a\nPATH=x', undefined],
    ...(['bash', 'fish', 'csh', 'powershell', 'cmd', 'dotenv'] as const).map(
      (shell): [Shell, string, undefined] => [shell, 'a\0b', undefined],
    ),
  ];
  for (const [shell, text, quoted] of table) {
    it(`${shell}: ${JSON.stringify(text)}`, () => assert.equal(quoteFor(shell, text), quoted));
  }

  it('leaves out what a shell cannot say, and names that are none', () => {
    assert.deepEqual(formatEnvironment({ A: 'x"y', 'B;rm': 'x', C: 'z' }, 'cmd'), ['set "C=z"']);
  });
});
