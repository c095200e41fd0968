import assert from 'node:assert/strict';
import { Command } from 'commander';
import { commandFirst } from '../../../src/cli/commandWord';
import { addCommonOptions } from '../../../src/cli/options';

const program = new Command();
for (const name of ['expose', 'exec', 'status']) addCommonOptions(program.command(name));
program.command('doctor').option('--pid <n>', 'of one command only');

describe('commandFirst', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['--json', '--json'],
    ['--container dev exec -- caget PV', 'exec --container dev -- caget PV'],
    ['-c status status', 'status -c status'],
    ['-vc exec status', 'status -vc exec'],
    ['-cexec status', 'status -cexec'],
    ['-v - status', 'status -v -'],
    ['--pid 12 doctor', 'doctor --pid 12'],
    ['exec -c dev -- status', 'exec -c dev -- status'],
    ['-- status', '-- status'],
    ['--engine=unix:///x status', 'status --engine=unix:///x'],
  ];
  for (const [given, expected] of cases) {
    it(`"${given}"`, () => {
      const words = given === '' ? [] : given.split(' ');
      assert.equal(commandFirst(words, program).join(' '), expected);
    });
  }

  const valued = program.commands[0]!.options.filter(({ required }) => required);
  for (const { short, long } of valued) {
    for (const option of [short, long]) {
      if (!option) continue;
      it(`${option} with a value, before a command and without one`, () => {
        assert.deepEqual(commandFirst([option, 'x', 'status'], program), ['status', option, 'x']);
        assert.deepEqual(commandFirst([option, 'x'], program), [option, 'x']);
      });
    }
  }

  it('says which command was meant', () => {
    assert.throws(() => commandFirst(['statsu'], program), /no command "statsu".*mean "status"/);
    assert.throws(() => commandFirst(['-v', 'zzzzzz'], program), /no command "zzzzzz"\. Commands/);
  });
});
