import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/base/log';
import { openAddressFile } from '../../../src/broker/addressFile';

describe('the file of addresses', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ee-addresses-'));
    file = join(folder, 'addresses.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('tells the next broker what the last one knew', () => {
    const first = openAddressFile(file, silentLog);
    first.remember('unix:///x#a', 2);
    first.remember('unix:///x#b', 1);
    const next = openAddressFile(file, silentLog);
    assert.deepEqual([next.indexOf('unix:///x#a'), next.indexOf('unix:///x#b')], [2, 1]);
    assert.equal(next.indexOf('unix:///x#c'), undefined);
    assert.deepEqual(readdirSync(folder), ['addresses.json']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('is not believed where it makes no sense, and written anew', () => {
    const odd = [
      '',
      'nonsense',
      '{}',
      '[["a"]]',
      '[[1,1]]',
      '[["a",0]]',
      '[["a",255]]',
      '[["a",1.5]]',
      '[["a","1"]]',
      `[["${'a'.repeat(2000)}",1]]`,
      `[${'"x",'.repeat(300_000)}1]`,
    ];
    for (const text of odd) {
      writeFileSync(file, text);
      const memory = openAddressFile(file, silentLog);
      assert.equal(memory.indexOf('a'), undefined, text.slice(0, 40));
      memory.remember('a', 3);
      assert.equal(readFileSync(file, 'utf8'), '[["a",3]]');
    }
  });

  it('keeps the latest of very many', () => {
    const memory = openAddressFile(file, silentLog);
    for (let n = 0; n < 700; n++) memory.remember(`key ${n}`, 1 + (n % 254));
    memory.remember('x'.repeat(5000), 1);
    const next = openAddressFile(file, silentLog);
    assert.equal(next.indexOf('key 0'), undefined);
    assert.equal(next.indexOf('key 699'), 1 + (699 % 254));
    assert.ok((JSON.parse(readFileSync(file, 'utf8')) as unknown[]).length <= 500);
  });

  it('may be where nothing can be written', () => {
    const memory = openAddressFile(join(folder, 'missing', 'addresses.json'), silentLog);
    memory.remember('a', 3);
    assert.equal(memory.indexOf('a'), 3);
  });
});
