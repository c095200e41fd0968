import assert from 'node:assert/strict';
import { parseLsof } from '../../../src/node/portHolder';

describe('the holder of a port, as lsof tells', () => {
  const text = [
    'p71',
    'cgateway',
    'f3',
    'n127.0.0.2:5064',
    'p72',
    'cnode',
    'f20',
    'n*:5064',
    '',
  ].join('\n');

  it('the one on that very address first', () => {
    assert.deepEqual(parseLsof(text, { host: '127.0.0.2', port: 5064 }), {
      process: { pid: 71, command: 'gateway' },
      isEverywhere: false,
    });
  });

  it('then the one on every address', () => {
    assert.deepEqual(parseLsof(text, { host: '127.0.0.1', port: 5064 }), {
      process: { pid: 72, command: 'node' },
      isEverywhere: true,
    });
  });

  it('nobody', () => {
    assert.equal(parseLsof(text, { host: '127.0.0.1', port: 5075 }), undefined);
    assert.equal(parseLsof('', { host: '127.0.0.1', port: 5075 }), undefined);
  });
});
