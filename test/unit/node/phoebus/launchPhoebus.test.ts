import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchPhoebus } from '../../../../src/node/phoebus/launchPhoebus';
import { systemClock } from '../../../../src/node/systemClock';

import { writtenFile } from '../../../support/writtenFile';

const never = new AbortController().signal;

/** Scripts that start something else and end without an error, as phoebus.sh does. */
describe('starting Phoebus', function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ee-phoebus-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function script(text: string): string {
    const file = join(folder, 'phoebus.sh');
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  }
  const launch = (executable: string, words: string[] = []): Promise<void> => {
    const environment = { EPICS_CA_NAME_SERVERS: '127.0.0.1:5063', EPICS_CA_ADDR_LIST: '' };
    return launchPhoebus(
      { executable, words, environment, folder: join(folder, 'ours') },
      systemClock,
      never,
    );
  };

  it('gives it our settings before the words, in its own folder', async () => {
    const said = join(folder, 'said');
    await launch(
      script(`{ pwd; echo "$@"; cat "$2"; env; } > '${said}.part'; mv '${said}.part' '${said}'`),
      ['-resource', 'pv://?X'],
    );
    const [place, words, ...rest] = (await writtenFile(said)).toString().split('\n');
    const settings = join(folder, 'ours/phoebus-settings.ini');
    assert.deepEqual([place, words], [folder, `-settings ${settings} -resource pv://?X`]);
    assert.ok(rest.includes('org.phoebus.pv.ca/name_servers=127.0.0.1:5063'));
    assert.ok(rest.includes('EPICS_CA_NAME_SERVERS=127.0.0.1:5063'));
    assert.ok(!rest.some((line) => line.startsWith('EPICS_CA_ADDR_LIST')));
    assert.match(readFileSync(settings, 'utf8'), /^# Of epics-expose/);
  });

  it('says why it does not start, although its script ends well', async () => {
    const broken = script('no-java-here -jar x.jar &');
    await assert.rejects(launch(broken), /does not start: .*no-java-here.*not found/);
    await assert.rejects(launch(script('exit 3')), /it ended with 3, see .*phoebus\.log/);
    await assert.rejects(launch(join(folder, 'nothing')), /There is no .*nothing/);
  });
});
