import assert from 'node:assert/strict';
import { commandFirst } from '../../../src/cli/commandWord';

const commands = ['expose', 'exec', 'status'];

describe('commandFirst', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['--json', '--json'],
    ['--container dev exec -- caget PV', 'exec --container dev -- caget PV'],
    ['-c status status', 'status -c status'],
    ['exec -c dev -- status', 'exec -c dev -- status'],
    ['-- status', '-- status'],
    ['--engine=unix:///x status', 'status --engine=unix:///x'],
  ];
  for (const [given, expected] of cases) {
    it(`"${given}"`, () => {
      const words = given === '' ? [] : given.split(' ');
      assert.equal(commandFirst(words, commands).join(' '), expected);
    });
  }

  it('says which command was meant', () => {
    assert.throws(() => commandFirst(['statsu'], commands), /no command "statsu".*mean "status"/);
    assert.throws(() => commandFirst(['-v', 'zzzzzz'], commands), /no command "zzzzzz"\. Commands/);
  });
});
