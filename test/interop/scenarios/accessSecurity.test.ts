/** IOCs whose access security denies reading, to all or to who comes from somewhere. */
import assert from 'node:assert/strict';
import { caget } from '../../support/clients';
import { epicsExpose } from '../../support/command';
import type { LabContainer } from '../../support/lab/container';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { Scene } from '../../support/scene';

const DATABASE = `
record(ai, "ACC:OPEN") { field(VAL, "1") field(PINI, "YES") }
record(ai, "ACC:SECRET") { field(VAL, "2") field(PINI, "YES") field(ASG, "SECRET") }
record(ai, "ACC:LOCAL") { field(VAL, "3") field(PINI, "YES") field(ASG, "LOCAL") }
`;
/** SECRET: nobody reads. LOCAL: only who comes from the container itself. */
const RULES = `
HAG(inside) { "127.0.0.1" }
ASG(DEFAULT) { RULE(1, READ) }
ASG(SECRET) { RULE(1, NONE) }
ASG(LOCAL) { RULE(1, READ) { HAG(inside) } }
`;
const SCRIPT = `
var asCheckClientIP 1
asSetFilename /tmp/rules.acf
dbLoadRecords /tmp/acc.db
iocInit
`;

for (const kind of ['docker', 'rootless'] as EngineKind[]) {
  describe(`access security: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
    });
    beforeEach(() => {
      scene = new Scene(lab);
    });
    afterEach(() => scene?.end());

    async function write(box: LabContainer, path: string, text: string): Promise<void> {
      const { exitCode, stderr } = await box.exec([
        'sh',
        '-c',
        'printf %s "$1" >"$2"',
        'w',
        text,
        path,
      ]);
      assert.equal(exitCode, 0, stderr);
    }

    /** With a shell that reads commands from /tmp/shell. */
    async function secured(image: 'busybox-ioc' | 'node-ioc'): Promise<LabContainer> {
      const box = await scene.keeper({ image });
      await write(box, '/tmp/acc.db', DATABASE);
      await write(box, '/tmp/rules.acf', RULES);
      await write(box, '/tmp/st.cmd', SCRIPT);
      await box.exec([
        'sh',
        '-c',
        'mkfifo /tmp/shell; sleep 100000 >/tmp/shell & ' +
          '/opt/epics/bin/softIocPvx /tmp/st.cmd </tmp/shell >/tmp/log 2>&1 &',
      ]);
      return box;
    }

    it('no read access is a state of its own, for whom is told, and changes at once', async function () {
      this.timeout(90_000);
      const box = await secured('busybox-ioc');
      const exposed = scene.expose([box]);
      const pvs = (): unknown => exposed.servers(box.name, 'ca')[0]?.pvs;
      const isCa = (reachable: number, unreadable: number) => (): boolean => {
        const [ca] = exposed.servers(box.name, 'ca');
        return ca?.pvs.reachable === reachable && (ca.pvs.unreadable ?? 0) === unreadable;
      };
      await exposed.until(
        isCa(1, 2),
        30_000,
        `1 of 3 to be reachable, not ${JSON.stringify(pvs())}`,
      );
      assert.match(
        exposed.server(box.name, 'ca').note ?? '',
        /its access security denies reading 2 PVs to user \S+ on host \S+/,
      );
      const results = await caget(['ACC:OPEN', 'ACC:SECRET'], exposed.environment);
      assert.deepEqual(
        results.map(({ ok }) => ok),
        [true, false],
      );

      const chosen = ['--engine', lab.endpoint, '--container', box.name];
      const either = await epicsExpose(['get', 'ACC:SECRET', ...chosen]);
      assert.match(either.stdout, /^ACC:SECRET +(pva )? *2/m, either.stdout);
      assert.match(either.stderr, /ACC:SECRET ca: its access security denies reading to user /);
      assert.equal(either.exitCode, 0);
      const denied = await epicsExpose(['get', 'ca://ACC:SECRET', ...chosen]);
      assert.deepEqual([denied.exitCode, denied.stdout], [5, '']);
      assert.match(denied.stderr, /denies reading to user \S+ on host /);
      const listed = await epicsExpose(['pvs', 'ACC:*', ...chosen]);
      assert.match(listed.stdout, /^ACC:SECRET\tca\tno-read-access/m);
      assert.match(listed.stdout, /^ACC:OPEN\tca\treachable/m);
      assert.equal(listed.exitCode, 5);

      await write(box, '/tmp/rules.acf', RULES.replace('RULE(1, NONE)', 'RULE(1, READ)'));
      await write(box, '/tmp/shell', 'asInit\n');
      await exposed.until(isCa(2, 1), 15_000, '2 of 3 to be reachable');
      await write(box, '/tmp/rules.acf', RULES.replace('RULE(1, READ)', 'RULE(1, NONE)'));
      await write(box, '/tmp/shell', 'asInit\n');
      await exposed.until(isCa(0, 3), 15_000, 'none to be reachable');
    });

    it('a rule for programs of the container does not hold for who comes through us', async function () {
      this.timeout(60_000);
      const box = await secured('node-ioc');
      const exposed = scene.expose([box]);
      await exposed.until(
        () => exposed.servers(box.name, 'ca')[0]?.pvs.unreadable === 2,
        30_000,
        'two PVs without read access',
      );
      const [result] = await caget(['ACC:LOCAL'], exposed.environment);
      assert.equal(result?.ok, false, JSON.stringify(result));
    });
  });
}
