/**
 * Our reading of startup scripts and databases against EPICS Base itself: the same fixtures are run
 * by the iocsh of the PyPI wheel epicscorelibs, and its `dbl` must list the names we found.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findDatabaseNames } from '../../src/services/discovery/names/databaseNames';
import { scriptFixtures } from '../fixtures/names/scripts';
import { quickSlices } from '../support/quickSlices';
import { iocProcess } from '../support/iocProcess';
import { skip } from '../support/skip';

const python = resolve(process.env['EPICS_EXPOSE_TEST_PYTHON'] ?? '.cache/venv/bin/python');

/** Loads the record definitions, runs st.cmd without iocInit, writes what dbl lists to `dbl.txt`. */
const runScript = `
import ctypes
from epicscorelibs import ioc
ioc.iocshRegisterCommon()
ioc.dbLoadDatabase(b'base.dbd', ioc.DEFAULT_DBD_PATH.encode(), None)
ioc.registerRecordDeviceDriver(ioc.pdbbase)
ioc.Com.iocsh.argtypes = [ctypes.c_char_p]
ioc.Com.iocsh(b'st.cmd')
ioc.iocshCmd(b'dbl > dbl.txt')
`;

describe('database names against EPICS Base', function () {
  this.timeout(30_000);
  let directory = '';

  before(function () {
    if (spawnSync(python, ['-c', 'import epicscorelibs']).status !== 0) {
      skip(this, `no Python with epicscorelibs at ${python}`, 'iocs');
    }
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'epics-expose-names-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  for (const { title, files, names } of scriptFixtures) {
    it(title, async () => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(directory, path)), { recursive: true });
        writeFileSync(join(directory, path), text);
      }
      execFileSync(python, ['-c', runScript], { cwd: directory, stdio: 'pipe' });
      const listed = readFileSync(join(directory, 'dbl.txt'), 'utf8').split('\n').filter(Boolean);
      const found = await findDatabaseNames(
        iocProcess({ commandLine: ['ioc', 'st.cmd'], workingDirectory: directory }),
        { readFile: async (path) => readFileSync(path) },
        quickSlices(),
        new AbortController().signal,
      );
      const records = found.names.filter(({ protocol }) => protocol === 'any');
      assert.deepEqual(records.map(({ name }) => name).sort(), listed.sort());
      assert.deepEqual(listed, [...names].sort());
    });
  }
});
