import assert from 'node:assert/strict';
import { hostAddresses } from '../../../src/node/search/openSearchSockets';

const address = (address: string, netmask: string, internal = false, family = 'IPv4') => ({
  ...{ address, netmask, internal, family },
});

describe('hostAddresses', () => {
  const interfaces = {
    lo: [address('127.0.0.1', '255.0.0.0', true), address('::1', 'ffff::', true, 'IPv6')],
    wlan0: [address('192.168.7.130', '255.255.255.128')],
    docker0: [address('172.17.0.1', '255.255.0.0')],
    tun0: [address('10.8.0.6', '255.255.255.255')],
    link: [address('10.9.0.0', '255.255.255.254')],
    gone: undefined,
  };

  it('Linux: a broadcast address for each network that has one', () => {
    const { own, broadcasts } = hostAddresses('linux', interfaces);
    assert.deepEqual(own, ['192.168.7.130', '172.17.0.1', '10.8.0.6', '10.9.0.0']);
    assert.deepEqual(broadcasts, {
      loopback: ['127.255.255.255'],
      thishost: ['127.255.255.255', '192.168.7.255', '172.17.255.255', '255.255.255.255'],
    });
  });

  it('elsewhere: every address, and nothing unless this machine is meant', () => {
    const { broadcasts } = hostAddresses('darwin', interfaces);
    assert.deepEqual(broadcasts, { loopback: [], thishost: ['0.0.0.0'] });
  });
});
