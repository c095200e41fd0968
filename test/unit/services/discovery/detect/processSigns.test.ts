import assert from 'node:assert/strict';
import { readSigns } from '../../../../../src/services/discovery/detect/processSigns';
import { iocProcess } from '../../../../support/iocProcess';
import { memoryFiles } from '../../../../support/memoryFiles';

const { signal } = new AbortController();

async function signsOf(
  files: Readonly<Record<string, string>>,
  words: readonly string[],
  mapped: readonly string[] = [],
) {
  const maps = mapped.map((name) => `7f00-7f01 r-xp 00000000 00:2a 12      /usr/lib/${name}\n`);
  return readSigns(
    iocProcess({ commandLine: ['program', ...words], workingDirectory: '/work' }),
    { files: memoryFiles(files), watch: { readProcessFile: async () => maps.join('') } },
    signal,
  );
}

describe('the signs of a process', () => {
  it('are the libraries that are mapped into it', async () => {
    for (const [mapped, kind] of [
      [['libca.so.4.13', 'libCom.so.3'], 'ca'],
      [['_cas.cpython-311-x86_64-linux-gnu.so'], 'ca'],
      [['libca.so', 'libpvAccess.so.7'], 'pva'],
      [['_p4p.cpython-311-x86_64-linux-gnu.so'], 'pva'],
      [['libca.so', 'libdbCore.so.3.24.0'], 'server'],
      [['libc.so.6', 'libcap.so.2', 'libcares.so', '_cascade.so'], 'none'],
    ] as const) {
      assert.equal((await signsOf({}, [], mapped)).libraries, kind, mapped.join(' '));
    }
  });

  it('are a script of the IOC shell, or a Python server, with the ports that it sets', async () => {
    const shell = await signsOf(
      { '/work/plc1.cmd': '# plc\n  epicsEnvSet("EPICS_CA_SERVER_PORT","7064")\niocInit\n' },
      ['--quiet', 'plc1.cmd'],
    );
    assert.deepEqual(shell, {
      ...{ libraries: 'none', script: 'serves', settings: { EPICS_CA_SERVER_PORT: '7064' } },
    });
    const python = await signsOf(
      {
        '/x.py':
          'import os\nos.environ["EPICS_PVAS_SERVER_PORT"] = "7075"\nfrom p4p.server import Server\n',
      },
      ['/x.py'],
    );
    assert.deepEqual(python.settings, { EPICS_PVAS_SERVER_PORT: '7075' });
    const client = await signsOf({ '/y.py': 'from caproto.threading.client import Context' }, [
      '/y.py',
    ]);
    assert.equal(client.script, 'none');
  });

  // Quadratic time where an expression goes over all of the text: 256 KB took a minute and a half.
  it('are looked for in one line at a time, whatever a file holds', async () => {
    for (const text of ['\n', ' ', '\t\n', 'import ', 'epicsEnvSet(', 'EPICS_A']) {
      const file = text.repeat(Math.ceil((256 * 1024) / text.length)).slice(0, 256 * 1024);
      const { settings } = await signsOf({ '/work/a': file }, ['a']);
      assert.deepEqual(settings, {});
    }
  });
});
