import assert from 'node:assert/strict';
import type { Clock } from '../../../../../src/base/clock';
import { toDisposable } from '../../../../../src/base/disposable';
import { isErrorCode } from '../../../../../src/base/errors';
import { defaultNamesLimits } from '../../../../../src/services/discovery/names/databaseName';
import { findDatabaseNames } from '../../../../../src/services/discovery/names/databaseNames';
import type { ProcessInfo } from '../../../../../src/services/host/socketReport';
import { Slices } from '../../../../../src/base/slices';
import { FakeClock } from '../../../../support/fakeClock';
import { iocProcess } from '../../../../support/iocProcess';
import { memoryFiles } from '../../../../support/memoryFiles';
import { allShapes, findInShape } from '../../../../support/nameShapes';
import { quickSlices } from '../../../../support/quickSlices';

async function find(
  process: Partial<ProcessInfo>,
  files: Record<string, string>,
  limits = defaultNamesLimits,
  slices = quickSlices(),
  how: { environment?: Readonly<Record<string, string>> | undefined } = {
    environment: process.environment ?? {},
  },
) {
  const { signal } = new AbortController();
  const found = await findDatabaseNames(
    { process: iocProcess(process), environment: 'environment' in how ? how.environment : {} },
    memoryFiles(files),
    slices,
    signal,
    limits,
  );
  return {
    ...found,
    list: found.names.map(({ name }) => name),
    kinds: found.problems.map(({ kind }) => kind),
  };
}

/** A database given to softIoc, the shortest way to read one. */
async function load(text: string, macros = '', more: Record<string, string> = {}) {
  const commandLine = ['softIoc', '-m', macros, '-d', '/a.db'];
  return find({ commandLine }, { '/a.db': text, ...more });
}

/** Counts how often it is looked at between two turns of the event loop. */
function countingClock(): { clock: Clock; longestTurn: () => number } {
  let looks = 0;
  let longest = 0;
  const clock: Clock = {
    nowMs() {
      longest = Math.max(longest, ++looks);
      return 0;
    },
    wallMs: () => 0,
    stretch: (timeoutMs) => timeoutMs,
    after(_delayMs, callback) {
      const turn = setImmediate(() => {
        looks = 0;
        callback();
      });
      return toDisposable(() => clearImmediate(turn));
    },
  };
  return { clock, longestTurn: () => longest };
}

describe('findDatabaseNames', () => {
  it('tells many long problems in few words', async () => {
    const long = (at: number): string => `/${at}${'A'.repeat(31_000)}`;
    // Beyond the depth of scripts each line is a problem that names its file.
    const lines = Array.from({ length: 20 }, (_, at) => `< ${long(at)}\n`).join('');
    const script = `< /st.cmd\n${lines}`;
    const found = await find({ commandLine: ['softIoc', '/st.cmd'] }, { '/st.cmd': script });
    assert.ok(found.problems.length > 10);
    assert.ok(JSON.stringify(found.problems.map(({ message }) => message)).length < 50_000);
  });

  describe('scripts (the same as EPICS Base, see test/interop)', () => {
    for (const shape of allShapes) {
      it(shape.title, async () => {
        const { names, said } = await findInShape(shape);
        const known = shape.names.filter((name) => !shape.missing?.includes(name));
        assert.deepEqual(names, known.sort());
        if (shape.note) assert.match(said, shape.note);
      });
    }
  });

  describe('the environment of the process', () => {
    const script = [
      'dbLoadRecords("a.db", "P=$(PREFIX)")',
      'dbLoadRecords("/data/$(TOKEN)/none.db", "P=$(PREFIX)")',
      'dbLoadRecords("b.db", "P=$(TOKEN) x")',
      '< /$(TOKEN).cmd',
      'dbLoadRecords("$(NOWHERE).db")',
    ];
    const files = {
      '/st.cmd': `${script.join('\n')}\n`,
      '/a.db': 'record(ai, "$(P)a") {}\n',
      '/b.db': 'record(ai, "$(P)b") {}\n',
    };
    const start = { commandLine: ['ioc', '/st.cmd'] };

    it('shows a value in a name, and in no note', async () => {
      const environment = { PREFIX: 'SR-01:', TOKEN: 'hunter2-s3cret', OTHER: 'never read' };
      const { list, ...rest } = await find(start, files, defaultNamesLimits, quickSlices(), {
        environment,
      });
      assert.deepEqual(list, ['SR-01:a']);
      const { problems } = rest;
      assert.equal(problems.length, 4);
      assert.match(
        problems.map(({ message }) => message).join(),
        /\/data\/\$\(TOKEN\)\/none\.db", .*: a file that it needs cannot be read/,
      );
      assert.doesNotMatch(JSON.stringify(problems), /hunter2|s3cret|SR-01|never read/);
    });

    it('shows nothing of a value that becomes something else on its way into a note', async () => {
      const S = 'hunter2, "qu(o)te" \\back//slash';
      const environment = { S, SECRET: 'hunter2', PART: 'ter', LONG: `${'p'.repeat(70)}hunter2` };
      const forms = [
        'dbLoadRecords("$(S)")',
        'dbLoadRecords("$(SECRET)/../$(SECRET)//x.db")',
        'dbLoadRecords(/data/$(S), P=$(S))',
        '$(SECRET)Command "x.db"',
        'dbLoadRecords("/b.db", "P=$(SECRET) $(PART)")',
        'dbLoadRecords("/$(M$(SECRET)).db")',
        'dbLoadRecords("/b.db", "P=$(LONG)")',
        'epicsEnvSet("X", "a$(SECRET)b")\ndbLoadRecords("$(X).db")',
        'epicsEnvSet("Y", "$(PART)")\nepicsEnvSet("Z", "hun$(Y)2")\ndbLoadTemplate("$(Z).subs")',
        'iocshLoad("/inner.cmd", "W=$(SECRET)")',
        'iocshCmdLoop("dbLoadRecords(\\$(V).db)", "V=$(SECRET)", "I", 1, 2)',
        'cd "/data/$(SECRET)"\ndbLoadRecords("none.db")\n< none.cmd',
        'dbLoadTemplate("/a.subs", "Q=$(SECRET) x")',
        'dbCreateAlias(pdbbase, "$(SECRET) x", "y")',
      ];
      for (const form of forms) {
        const { problems, otherLoaders } = await find(
          start,
          {
            '/st.cmd': `${form}\n`,
            '/b.db': 'record(ai, "$(P)b") { field( $(P) ) }\nrecord(ai, "$(P) c") {}\n',
            '/a.subs': 'file "/b.db" { {P="$(Q)"} }\n',
            '/inner.cmd': 'dbLoadRecords("$(W).db")\n',
          },
          ...[defaultNamesLimits, quickSlices(), { environment }],
        );
        const told = JSON.stringify([problems.map(({ message }) => message), otherLoaders]);
        assert.doesNotMatch(told, /hunter|unter|ter2|back/, form);
        assert.notEqual(told, '[[],[]]', form);
      }
    });

    it('is said when it cannot be read, and macros lack a value', async () => {
      const hidden = { environment: undefined };
      const { list, problems } = await find(
        start,
        files,
        defaultNamesLimits,
        quickSlices(),
        hidden,
      );
      assert.deepEqual(list, []);
      assert.equal(problems.at(-1)?.kind, 'hidden-environment');
      const none = await find(
        { commandLine: ['softIoc', '-m', 'P=x', '-d', '/a.db'] },
        files,
        ...[defaultNamesLimits, quickSlices(), hidden],
      );
      assert.deepEqual([none.list, none.problems], [['xa'], []]);
    });
  });

  describe('command lines', () => {
    const db = { '/db/a.db': 'record(ai, "$(P=)a") {}' };

    it('softIoc: macros count for the databases behind them, options in any form', async () => {
      const { list, problems } = await find(
        {
          commandLine: [
            ...['/usr/bin/softIocPVA', '-D', 'x.dbd', '-m', 'P=1:', '-d', 'a.db', '-Sa', 'acf'],
            ...['-mP=2:', '-da.db', '-x', 'exit:it', 'st.cmd', 'ignored.cmd'],
          ],
          workingDirectory: '/db',
        },
        { ...db, '/db/st.cmd': 'dbLoadRecords("a.db", "P=3:")\n' },
      );
      assert.deepEqual(list, ['1:a', '2:a', 'exit:it:exit', 'exit:it:BaseVersion', '3:a']);
      assert.deepEqual(problems, []);
    });

    it('softIoc -x reads the database of its own installation', async () => {
      const { list } = await find(
        { commandLine: ['/base/bin/linux-x86_64/softIoc', '-x', 'p'] },
        { '/base/db/softIocExit.db': 'record(sub, "$(IOC):exit") {}' },
      );
      assert.deepEqual(list, ['p:exit']);
    });

    it('an IOC program runs its first argument, where the shell or the process stood', async () => {
      const files = {
        '/top/iocBoot/ioc1/st.cmd': '< envPaths\ncd "${TOP}"\ndbLoadRecords("db/a.db", "P=x:")\n',
        '/top/iocBoot/ioc1/envPaths': 'epicsEnvSet("TOP","/top")\n',
        '/top/db/a.db': db['/db/a.db'],
      };
      const shebang = ['../../bin/linux-x86_64/foo', './st.cmd'];
      const starts: Partial<ProcessInfo>[] = [
        { commandLine: shebang, workingDirectory: '/top/iocBoot/ioc1' },
        {
          commandLine: shebang,
          workingDirectory: '/top',
          environment: { PWD: '/top/iocBoot/ioc1' },
        },
        { commandLine: ['/top/bin/foo', '/top/iocBoot/ioc1/st.cmd'], workingDirectory: '/' },
      ];
      for (const start of starts) {
        const { list, problems } = await find(start, files);
        assert.deepEqual([list, problems], [['x:a'], []]);
      }
    });

    it('epics-containers: the runtime files when the command line leads nowhere', async () => {
      const st = 'cd "/epics/ioc"\ndbLoadRecords /epics/runtime/ioc.db\niocInit\n';
      const ioc = { '/epics/runtime/ioc.db': 'record(ai, "ec:1") {}' };
      const withScript = { ...ioc, '/epics/runtime/st.cmd': st };
      const program = '/epics/ioc/bin/linux-x86_64/ioc';
      const direct = await find({ commandLine: [program, '/epics/runtime/st.cmd'] }, withScript);
      assert.deepEqual([direct.list, direct.problems], [['ec:1'], []]);
      assert.deepEqual((await find({ commandLine: [program] }, withScript)).list, ['ec:1']);
      const databaseOnly = await find({ commandLine: [program] }, ioc);
      assert.deepEqual([databaseOnly.list, databaseOnly.problems], [['ec:1'], []]);
      const elsewhere = await find(
        { commandLine: [program], environment: { EPICS_ROOT: '/opt/epics' } },
        { '/opt/epics/runtime/ioc.db': 'record(ai, "ec:2") {}' },
      );
      assert.deepEqual(elsewhere.list, ['ec:2']);
    });

    it('Python: softIoc-like programs have files, the others are said to have none', async () => {
      const cases: [string[], string[], string[]][] = [
        [['-m', 'epicscorelibs.ioc', '-m', 'P=p:', '-d', 'a.db'], ['p:a'], []],
        [['-um', 'pvxslibs.ioc', '--macros=P=q:', '--database', 'a.db'], ['q:a'], []],
        [['/usr/bin/softIocPVX', '-d', 'a.db'], ['a'], []],
        [['-m', 'caproto.ioc_examples.simple'], [], ['not-in-files']],
        [['/app/ioc.py', '-d', 'a.db'], [], ['not-in-files']],
      ];
      for (const [args, names, problems] of cases) {
        const commandLine = ['/usr/bin/python3.11', ...args];
        const { list, kinds } = await find({ commandLine, workingDirectory: '/db' }, db);
        assert.deepEqual([list, kinds], [names, problems], args.join(' '));
      }
    });

    it('a program of any name with the options of softIoc, or a database', async () => {
      const files = { ...db, '/db/s.cmd': 'dbLoadRecords("a.db", "P=s:")' };
      const cases: [string, string[], string[]][] = [
        ['fakeIocCa -m P=PRD: -d /db/a.db', ['PRD:a'], []],
        ['plcd -S -mP=x: -d a.db', ['x:a'], []],
        ['plcd --macros=P=x: --database=a.db', ['x:a'], []],
        ['plcd -d a.db s.cmd', ['a', 's:a'], []],
        ['valgrind -q /opt/bin/softIocCa -m P=v: -d a.db', ['v:a'], []],
        ['gdb --args softIoc -m P=g: s.cmd', ['s:a'], []],
        ['plcd a.db', ['a'], ['plcd']],
        ['/opt/bin/plcd a.db P=y:', ['y:a'], ['plcd']],
        ['plcd --port 7 -m P=z: --load=a.db', ['z:a'], ['plcd']],
        ['plcd s.cmd a.db', ['s:a', 'a'], ['plcd']],
        ['plcd all.substitutions', [], ['plcd']],
        // Options of its own.
        ['plcd -d /var/run -m 7 s.cmd', ['s:a'], []],
      ];
      for (const [line, names, loaders] of cases) {
        const found = await find({ commandLine: line.split(' '), workingDirectory: '/db' }, files);
        assert.deepEqual([found.list, found.otherLoaders], [names, loaders], line);
        assert.deepEqual(found.problems, [], line);
      }
      const bare = await find({ commandLine: ['plcd', '-x', 'p'] }, {});
      assert.deepEqual(bare.list, ['p:exit', 'p:BaseVersion']);
    });

    it('says when there is nothing to go by', async () => {
      assert.deepEqual((await find({ commandLine: [] }, {})).kinds, ['no-script']);
      assert.deepEqual((await find({ commandLine: ['softIoc', '-S'] }, {})).kinds, ['no-script']);
      const missing = await find({ commandLine: ['ioc', 'st.cmd'], workingDirectory: '/w' }, {});
      assert.deepEqual(missing.kinds, ['unreadable-file']);
      const said = 'cannot read startup script';
      assert.equal(missing.problems[0]?.message, `${said} st.cmd: /w/st.cmd: no such file`);
      const absolute = await find({ commandLine: ['ioc', '/w/st.cmd'] }, {});
      assert.equal(absolute.problems[0]?.message, `${said} /w/st.cmd: no such file`);
    });
  });

  describe('what it tells about a name', () => {
    it('its file and line, through includes', async () => {
      const { names, files } = await load(
        '# one\nrecord(ai, "a") {\n  include "/b.db"\n}\nalias("a",\n "c")\n',
        '',
        { '/b.db': '\n\nalias("b")' },
      );
      assert.deepEqual(names, [
        { name: 'a', kind: 'record', protocol: 'any', file: '/a.db', line: 2 },
        { name: 'b', kind: 'alias', protocol: 'any', file: '/b.db', line: 3 },
        { name: 'c', kind: 'alias', protocol: 'any', file: '/a.db', line: 6 },
      ]);
      assert.deepEqual(files, ['/a.db', '/b.db']);
    });

    it('groups of QSRV are pvAccess only, from info tags and dbLoadGroup', async () => {
      const text = `record(ai, "r") {
        info(Q:group, { "$(P)g1": {"a": {+channel:"VAL", x:["no", {}]}}, g2: {}, })
        info("Q:group", "{\\"g3\\":{\\"no\\":1}}") info(Q:other, {"no": {}})
      }`;
      const { names } = await find(
        { commandLine: ['softIocPVX', '-m', 'P=p:', '-d', '/a.db', '-G', '/g.json'] },
        { '/a.db': text, '/g.json': '// c\n{ "$(P)g4": {"no": {}}, "g5": {} }' },
      );
      const groups = names.filter(({ kind }) => kind === 'group');
      assert.deepEqual(
        groups.map(({ name }) => name),
        ['p:g1', 'g2', 'g3', 'p:g4', 'g5'],
      );
      assert.ok(groups.every(({ protocol }) => protocol === 'pva'));
    });
  });

  describe('problems', () => {
    it('a name with an undefined macro ends its file, as it does for Base', async () => {
      for (const [text, names, line] of [
        ['record(ai, "1") {}\nrecord(ai, "$(P)2") {}\nrecord(ai, "3") {}\n', ['1'], 2],
        ['record(ai, $(P)1) {}\nrecord(ai, "2") {}\n', [], 1],
        ['record(ai, "1") { alias("$(Q=$(R))") }\nrecord(ai, "2") {}\n', ['1'], 1],
      ] as const) {
        const { list, problems } = await load(text);
        assert.deepEqual(list, names);
        assert.deepEqual(
          problems.map((problem) => [problem.kind, problem.line]),
          [['undefined-macro', line]],
        );
        assert.match(problems[0]?.message ?? '', /has no value in .*: the rest of the file is not/);
      }
    });

    it('lines, databases and includes that need an undefined macro', async () => {
      const { list, kinds } = await find(
        { commandLine: ['ioc', '/st.cmd'] },
        {
          '/st.cmd': 'dbLoadRecords("$(NO)/a.db")\ndbLoadRecords("/b.db")\ndrvInit("$(NO2)")\n',
          '/b.db': 'record(ai, "b") {}\ninclude "$(NO3).db"\ninclude "/none.db"\n',
        },
      );
      assert.deepEqual(list, ['b']);
      assert.deepEqual(kinds, ['undefined-macro', 'undefined-macro', 'unreadable-file']);
    });

    it('a database behind iocInit is refused by the IOC', async () => {
      const { list, kinds } = await find(
        { commandLine: ['ioc', '/st.cmd'] },
        { '/st.cmd': 'iocInit()\ndbLoadRecords("/a.db")\n', '/a.db': 'record(ai, "a") {}' },
      );
      assert.deepEqual([list, kinds], [[], ['unreadable-file']]);
    });

    it('a last line of a script without its line end counts: some builds of Base run it', async () => {
      const { list } = await find(
        { commandLine: ['ioc', '/st.cmd'] },
        { '/st.cmd': 'dbLoadRecords("/a.db")', '/a.db': 'record(ai, "a") {}' },
      );
      assert.deepEqual(list, ['a']);
    });
  });

  describe('limits', () => {
    const limits = (some: Partial<typeof defaultNamesLimits>) => ({
      ...defaultNamesLimits,
      ...some,
    });
    const softIoc = { commandLine: ['softIoc', '-d', '/a.db'] };

    it('number and size of files, number of names', async () => {
      const text = 'record(ai, "1") {}\nrecord(ai, "2") {}\nrecord(ai, "3") {}\n';
      const few = await find(softIoc, { '/a.db': text }, limits({ names: 2 }));
      assert.deepEqual([few.list, few.kinds], [['1', '2'], ['too-many']]);
      const small = await find(softIoc, { '/a.db': text }, limits({ databaseBytes: 20 }));
      assert.deepEqual([small.list, small.kinds], [[], ['file-too-large']]);
      const more = { '/a.db': `${text}include "/b.db"\ninclude "/c.db"\n`, '/b.db': '' };
      const reads = await find(softIoc, more, limits({ reads: 2 }));
      assert.equal(reads.list.length, 3);
      assert.ok(reads.kinds.includes('too-many'));
    });

    it('files and scripts that include themselves', async () => {
      const database = await find(softIoc, { '/a.db': 'record(ai, a) {}\ninclude "/a.db"\n' });
      assert.deepEqual([database.list, database.kinds], [['a'], ['too-many']]);
      const twice = 'include "/a.db"\ninclude "/a.db"\n';
      const bomb = await find(softIoc, { '/a.db': twice }, limits({ loads: 500 }));
      assert.ok(bomb.kinds.includes('too-many'));
      const script = await find({ commandLine: ['ioc', '/st'] }, { '/st': '< /st\n< /st\n' });
      assert.ok(script.kinds.includes('too-many'));
    });

    it('macros that explode', async () => {
      const doubling = Array.from({ length: 60 }, (_, i) => `A${i}=$(A${i + 1})$(A${i + 1})`);
      const found = await find(
        { commandLine: ['softIoc', '-m', doubling.join(','), '-d', '/a.db'] },
        { '/a.db': 'record(ai, r) { field(DESC, "$(A0)") }\n'.repeat(100) },
        limits({ macroSteps: 1_000_000 }),
      );
      assert.deepEqual(found.list, ['r']);
      assert.ok(found.kinds.includes('too-many'));
      const nested = await load(`record(ai, "${'$(A='.repeat(100_000)}") {}\nrecord(ai, "b") {}`);
      assert.ok(!nested.list.some((name) => name.includes('$')));
    });

    describe('what is hostile costs little, in slices', () => {
      const many = (count: number, line: (at: number) => string): string =>
        Array.from({ length: count }, (_, at) => line(at)).join('\n');
      const template = 'file "/t.db" { pattern {P}\n';
      const cases: [string, Record<string, string>, RegExp, number][] = [
        [
          'a database that includes itself a hundred times',
          { '/a.db': `record(ai, a) {}\n${'include "/a.db"\n'.repeat(100)}` },
          /it includes itself/,
          0,
        ],
        [
          'databases that include each other',
          { '/a.db': 'include "/b.db"\n'.repeat(50), '/b.db': 'include "/a.db"\n'.repeat(50) },
          /it includes itself/,
          0,
        ],
        [
          'includes that multiply',
          Object.fromEntries(
            Array.from({ length: 20 }, (_, at) => [
              at === 0 ? '/a.db' : `/${at}.db`,
              `record(ai, r${at}) {}\n${`include "/${at + 1}.db"\n`.repeat(10)}`,
            ]),
          ),
          /stopped after 20 names: its databases include more than 5000 others/,
          10,
        ],
        [
          'a line of macros of eight megabytes',
          { '/a.db': `record(ai, "${'$(A)'.repeat(2_000_000)}") {}\n` },
          /a line of more than 1048576 bytes/,
          0,
        ],
        [
          'a long line of macros',
          { '/a.db': `record(ai, "${'$(A=x)'.repeat(100_000)}") {}\nrecord(ai, b) {}\n` },
          /more than 32768 characters are not expanded/,
          1,
        ],
        [
          'half a million names',
          { '/a.db': many(500_000, (at) => `record(ai, "N:${at}") {}`) },
          /stopped after 200000 names: an IOC is taken for 200000 names at most/,
          50,
        ],
        ['a file of comments', { '/a.db': '#\n'.repeat(3_000_000) }, /^$/, 20],
        [
          'a value without an end',
          { '/a.db': `record(ai, a) { info(Q:group, {${'x,\n'.repeat(1_000_000)}` },
          /a value that is too long/,
          0,
        ],
        [
          'a template that is loaded for ever',
          {
            '/a.sub': `${template}${many(100_000, (at) => `{ P${at} }`)}`,
            '/t.db': 'record(ai, "$(P)") {}',
          },
          /stopped after 50000 names: it loads more than 50000 databases/,
          10,
        ],
        [
          'global macros that grow',
          { '/a.sub': many(100_000, (at) => `global { A${at}=b }`) },
          /no more than 65536 characters of global macros/,
          0,
        ],
        [
          'a script of empty lines',
          { '/st': '\n'.repeat(1_000_000) },
          /startup scripts have more than 200000 lines/,
          0,
        ],
        [
          'a script whose variables double',
          {
            '/st': `epicsEnvSet A xx\n${'epicsEnvSet A $(A)$(A)\n'.repeat(5000)}dbLoadRecords("/$(A)")`,
          },
          /./,
          10,
        ],
        [
          'a script that goes ever deeper',
          { '/st': `${'cd aaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(100_000)}dbLoadRecords("/none.db")` },
          /cannot read/,
          5,
        ],
      ];
      for (const [title, files, said, minSlices] of cases) {
        it(title, async () => {
          const slices = quickSlices();
          const isScript = !('/a.db' in files);
          const st = files['/st'] ?? 'dbLoadTemplate("/a.sub")\n';
          const found = await find(
            { commandLine: isScript ? ['ioc', '/st'] : ['softIoc', '-m', 'A=x', '-d', '/a.db'] },
            isScript ? { ...files, '/st': st } : files,
            defaultNamesLimits,
            slices,
          );
          assert.match(found.problems.map(({ message }) => message).join('\n'), said);
          assert.ok(slices.count >= minSlices, `${slices.count} slices`);
        });
      }

      it('no piece of work is longer than a few slices', async () => {
        const { clock, longestTurn } = countingClock();
        const slices = new Slices(clock);
        const doubling = Array.from({ length: 60 }, (_, i) => `A${i}=$(A${i + 1})$(A${i + 1})`);
        await find(
          { commandLine: ['softIoc', '-m', doubling.join(','), '-d', '/a.db'] },
          { '/a.db': 'record(ai, r) { field(DESC, "$(A0)") }\n'.repeat(10_000) },
          defaultNamesLimits,
          slices,
        );
        // Of some 50 million steps that the macros are allowed.
        assert.ok(slices.count > 100, `${slices.count} slices`);
        assert.ok(longestTurn() <= 400, `${longestTurn()} looks at the clock in one turn`);
      });

      it('what takes too long ends with what was found', async () => {
        const clock = new FakeClock();
        const finding = find(
          softIoc,
          { '/a.db': many(100_000, (at) => `record(ai, "N:${at}") {}`) },
          limits({ timeMs: 20 }),
          new Slices(clock),
        );
        let isDone = false;
        void finding.then(() => (isDone = true));
        while (!isDone) await clock.advance(10);
        const { list, problems, isCut } = await finding;
        assert.ok(list.length > 1000 && list.length < 100_000, `${list.length} names`);
        assert.match(
          problems[0]?.message ?? '',
          /^stopped after \d+ names: reading its files took/,
        );
        assert.equal(isCut, true);
      });

      it('work that is shared rests in turn', async () => {
        const clock = new FakeClock();
        const slices = new Slices(clock, 10);
        const { signal } = new AbortController();
        const woken: number[] = [];
        for (let worker = 0; worker < 3; worker++) {
          slices.take(10);
          void slices.rest(signal).then(() => woken.push(clock.nowMs()));
        }
        await clock.advance(100);
        assert.deepEqual(woken, [1, 2, 3]);
      });
    });

    it('one huge line in each kind of file', async () => {
      for (const piece of [
        '"',
        'a',
        '$(',
        '${A=',
        '{',
        '(',
        '\\"',
        'file "',
        "'",
        'x=',
        '#',
        '<a ',
      ]) {
        const text = piece.repeat(300_000);
        await load(text);
        await load(`record(ai, "a") { info(Q:group, ${text}`);
        const script = `dbLoadTemplate("/t")\n${text}\n`;
        await find({ commandLine: ['ioc', '/st'] }, { '/st': script, '/t': `file "/x" {${text}` });
      }
    });
  });

  it('rejects with cancelled when the signal aborts, before and while it reads', async () => {
    const controller = new AbortController();
    const process = iocProcess({ commandLine: ['softIoc', '-d', '/a.db'] });
    const reading = findDatabaseNames(
      { process, environment: {} },
      {
        readFile: (_path, _maxBytes, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('gone')), { once: true });
            controller.abort();
          }),
      },
      quickSlices(),
      controller.signal,
    );
    await assert.rejects(reading, (error) => isErrorCode(error, 'cancelled'));
    const again = findDatabaseNames(
      { process, environment: {} },
      memoryFiles({}),
      quickSlices(),
      controller.signal,
    );
    await assert.rejects(again, (error) => isErrorCode(error, 'cancelled'));
  });
});
