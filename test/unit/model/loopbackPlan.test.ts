import assert from 'node:assert/strict';
import { type AddressClaim, planLoopback } from '../../../src/model/loopbackPlan';

describe('planLoopback', () => {
  const claims = new Map<string, AddressClaim>();
  const claim = (key: string, ports: number[]): number => {
    const index = planLoopback(claims, key, ports);
    claims.set(key, { index, ports });
    return index;
  };

  it('gives containers with equal numbers addresses of their own, and keeps them', () => {
    assert.equal(claim('a', [5064, 5075]), 1);
    assert.equal(claim('b', [5064, 5075]), 2);
    assert.equal(claim('c', [40509]), 1, 'no equal number, no need for another address');
    assert.equal(claim('a', [5064, 5075, 38913]), 1);
    assert.equal(claim('d', [5075]), 3);
    claims.delete('a');
    assert.equal(claim('b', [5064, 5075]), 2, 'an address in use does not move');
    assert.equal(claim('e', [5064]), 1, 'a free address is used again');
  });

  it('moves a container only when it collides', () => {
    assert.equal(claim('c', [40509, 5064]), 3, 'e has 1, b has 2; d on 3 has only 5075');
  });
});
