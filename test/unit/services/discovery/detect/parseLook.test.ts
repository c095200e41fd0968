import assert from 'node:assert/strict';
import {
  descriptorsOf,
  parseLookSections,
  processesOf,
} from '../../../../../src/services/discovery/detect/parseLook';

const stat = (pid: number, name: string, state: string, parent: number): string =>
  `${pid} (${name}) ${state} ${parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${pid}00 0 0`;

const look = (fds: string, stats: string[], looker = 90): ReturnType<typeof descriptorsOf> =>
  descriptorsOf(
    parseLookSections(
      `\n@m looker\n${looker}\n\n@m fds\n${fds}\n\n@m stats\n${stats.join('\n')}\n\n@m end\n`,
      '@m',
    ),
  );

const SHOWN = `/proc/1/fd:
total 0
lrwx------    1 root     root            64 Nov 23 23:41 0 -> /dev/null
lrwx------    1 root     root            64 Nov 23 23:41 3 -> socket:[12]

/proc/90/fd:
lr-x------    1 root     root            64 Nov 23 23:41 0 -> pipe:[15]
`;

describe('parseLook', () => {
  it('cuts an answer into sections, whatever the files hold', () => {
    const answer = 'Welcome!\n@m stat 7\n7 (x) S\n\n@m cmdline 7\na\0@n b\0\n@m end\n';
    assert.deepEqual(parseLookSections(answer, '@m'), [
      { name: 'stat', pid: 7, text: '7 (x) S\n' },
      { name: 'cmdline', pid: 7, text: 'a\0@n b\0' },
      { name: 'end', pid: 0, text: '' },
    ]);
  });

  it('is complete when every process showed its descriptors', () => {
    const { inodesOfPid, isComplete } = look(SHOWN, [
      stat(1, 'softIoc', 'S', 0),
      stat(90, 'sh', 'S', 0),
    ]);
    assert.deepEqual([...inodesOfPid], [[1, [12]]]);
    assert.equal(isComplete, true);
  });

  it('minds neither zombies nor what the look itself has started', () => {
    const stats = [
      stat(1, 'softIoc', 'S', 0),
      stat(5, 'caRepeater', 'Z', 1),
      stat(90, 'sh', 'S', 0),
      stat(91, 'cat', 'R', 90),
    ];
    assert.equal(look(SHOWN, stats).isComplete, true);
  });

  it('is not complete when a process hid its descriptors', () => {
    const stats = [stat(1, 'softIoc', 'S', 0), stat(7, 'ioc', 'S', 1)];
    assert.equal(look(`${SHOWN}\n/proc/7/fd:\n`, stats).isComplete, false);
    assert.equal(look(SHOWN, stats).isComplete, false);
  });

  it('is not complete where nothing could be listed', () => {
    assert.equal(look('', [stat(1, 'softIoc', 'S', 0)]).isComplete, false);
    assert.equal(look('', []).isComplete, false);
  });

  it('describes processes and leaves out one that has ended', () => {
    const answer = `@m stat 7
${stat(7, 'softIoc', 'S', 1)}

@m cmdline 7
softIoc\0-d\0a.db\0
@m environ 7
IOC_NAME=x\0SECRET=y\0
@m cwd 7
/opt/ioc

@m stat 8

@m cmdline 8

@m end
`;
    const holders = new Map([
      [7, [12, 13]],
      [8, [14]],
    ]);
    assert.deepEqual(processesOf(parseLookSections(answer, '@m'), holders), [
      {
        pid: 7,
        name: 'softIoc',
        parentPid: 1,
        commandLine: ['softIoc', '-d', 'a.db'],
        environment: { IOC_NAME: 'x' },
        workingDirectory: '/opt/ioc',
        startTicks: 700,
        socketInodes: [12, 13],
      },
    ]);
  });
});
