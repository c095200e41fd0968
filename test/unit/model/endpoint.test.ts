import assert from 'node:assert/strict';
import { isIpv4, isLoopback } from '../../../src/model/endpoint';

describe('addresses', () => {
  it('are numbers: what only looks like one is a name, which nobody is asked for', () => {
    for (const host of [
      '127.0.0.1',
      '127.255.255.254',
      '0.0.0.0',
      '198.51.100.7',
      '255.255.255.255',
    ])
      assert.ok(isIpv4(host), host);
    for (const host of [
      '127.999.1.1',
      '256.0.0.1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.4.',
      'a.b.c.d',
      '',
    ])
      assert.ok(!isIpv4(host), host);
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(host), host);
    for (const host of ['127.999.1.1', '127.evil.example', '128.0.0.1', '::ffff:10.0.0.1'])
      assert.ok(!isLoopback(host), host);
  });
});
