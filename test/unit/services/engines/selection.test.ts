import assert from 'node:assert/strict';
import type { ContainerInfo } from '../../../../src/services/host/engine';
import {
  EVERYTHING,
  isSelected,
  normaliseFolder,
} from '../../../../src/services/engines/selection';

const container: ContainerInfo = {
  id: '0123456789abcdef',
  name: 'dev',
  image: 'image',
  labels: { 'devcontainer.local_folder': '/home/me/ioc-x', is_ioc: 'true' },
  status: 'running',
  startedAt: '',
  run: '',
};

describe('isSelected', () => {
  const cases: [string, Partial<typeof EVERYTHING>, boolean][] = [
    ['everything', {}, true],
    ['by name', { containers: ['dev'] }, true],
    ['by the beginning of the id', { containers: ['0123456'] }, true],
    ['not by part of the name', { containers: ['de'] }, false],
    ['one of several', { containers: ['other', 'dev'] }, true],
    ['by workspace', { workspace: '/home/me/ioc-x/' }, true],
    ['by another workspace', { workspace: '/home/me' }, false],
    ['by label', { labels: ['is_ioc=true'] }, true],
    ['by label of any value', { labels: ['is_ioc'] }, true],
    ['all labels must match', { labels: ['is_ioc', 'is_ioc=false'] }, false],
    ['not what is left out', { except: ['dev'] }, false],
    ['all but others', { except: ['other'] }, true],
    ['left out although named', { containers: ['dev'], except: ['0123456'] }, false],
    ['name and label', { containers: ['dev'], labels: ['nothing'] }, false],
  ];
  for (const [title, selection, expected] of cases) {
    it(title, () => assert.equal(isSelected(container, { ...EVERYTHING, ...selection }), expected));
  }
});

describe('normaliseFolder', () => {
  const same: [string, string][] = [
    ['C:\\Work\\ioc', 'c:/work/ioc/'],
    ['\\\\wsl.localhost\\Debian\\home\\me\\ioc', '/home/me/ioc'],
    ['\\\\wsl$\\Debian\\home\\me\\ioc', '/home/me/ioc'],
    ['/', '/'],
  ];
  for (const [one, other] of same) {
    it(`${one} is ${other}`, () => assert.equal(normaliseFolder(one), normaliseFolder(other)));
  }
  it('keeps the case of other paths', () =>
    assert.notEqual(normaliseFolder('/A'), normaliseFolder('/a')));
});
