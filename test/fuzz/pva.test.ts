import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RemoteProtocolError } from '../../src/base/errors';
import { ByteReader } from '../../src/protocol/bytes';
import { ntScalarType, PvaServerConnection, StoredPv } from '../../src/protocol/pva';
import { readSearchRequest, readSearchResponse } from '../../src/protocol/pva/search';
import type { TypeCache } from '../../src/protocol/pva/typeCodec';
import { ValueReader } from '../../src/protocol/pva/valueDecode';
import { fromHex } from '../support/hex';
import { createRandom, seed } from '../support/random';
import { makeClient } from '../unit/protocol/pva/brokenPeer';

describe('pvAccess', function () {
  this.timeout(120_000);
  const random = createRandom(seed);
  const below = (end: number): number => Math.floor(random() * end);

  const folder = join(__dirname, '../vectors/pva');
  const corpus: { fromServer: boolean; bytes: Uint8Array }[] = [];

  // Half of a million errors would be spent on their stacks.
  const { stackTraceLimit } = Error;
  after(() => void (Error.stackTraceLimit = stackTraceLimit));

  before(() => {
    Error.stackTraceLimit = 0;
    for (const file of readdirSync(folder)) {
      const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>;
      for (const side of ['fromClient', 'fromServer']) {
        const bytes = fromHex(vector[side] ?? '');
        for (let at = 0; at + 8 <= bytes.length;) {
          const view = new DataView(bytes.buffer, bytes.byteOffset + at);
          const flags = view.getUint8(2);
          const size = flags & 1 ? 0 : view.getUint32(4, (flags & 0x80) === 0);
          // Long ones would make a million of them take minutes.
          if (size < 400)
            corpus.push({
              fromServer: side === 'fromServer',
              bytes: bytes.slice(at, at + 8 + size),
            });
          at += 8 + size;
        }
      }
    }
  });

  /** A copy with a few bytes changed, dropped or doubled; the header may be spared. */
  function mutate(original: Uint8Array, spared: number): Uint8Array {
    let bytes = original.slice();
    for (let count = 1 + below(3); count > 0 && bytes.length > spared; count--) {
      const at = spared + below(bytes.length - spared);
      const how = below(8);
      if (how === 0) bytes = bytes.slice(0, at);
      else if (how === 1) bytes[at] = [0, 0x7f, 0x80, 0x88, 0xfd, 0xfe, 0xff][below(7)] as number;
      else if (how === 2) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      else bytes[at] = below(256);
    }
    return bytes;
  }

  /** Fits the size in the header to what is there, so that the payload is looked at. */
  function fitSize(bytes: Uint8Array): Uint8Array {
    if (bytes.length >= 8 && ((bytes[2] as number) & 1) === 0) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint32(4, bytes.length - 8, ((bytes[2] as number) & 0x80) === 0);
    }
    return bytes;
  }

  /** Returns whether it was refused; anything but RemoteProtocolError ends the test. */
  function isRefused(decode: () => void): boolean {
    try {
      decode();
      return false;
    } catch (error) {
      if (error instanceof RemoteProtocolError) return true;
      throw error;
    }
  }

  it(`600,000 mutated frames leave client and server unharmed (SEED=${seed})`, () => {
    const provider = { names: () => ['pv'], find: () => new StoredPv(ntScalarType('int')) };
    const options = { guid: '00'.repeat(12), tcpPort: 5075, version: 'test' };
    let client = makeClient();
    let server = new PvaServerConnection(provider, options);
    let refusedCount = 0;
    for (let i = 0; i < 600_000; i++) {
      const { fromServer, bytes } = corpus[below(corpus.length)] as (typeof corpus)[number];
      const hit = mutate(bytes, below(16) === 0 ? 0 : 8);
      if (below(8) !== 0) fitSize(hit);
      if (fromServer) {
        if (isRefused(() => client.receive(hit)) || i % 64 === 0) {
          refusedCount++;
          client = makeClient();
        }
        client.takeOutput();
      } else {
        if (isRefused(() => server.receive(hit)) || i % 64 === 0) {
          refusedCount++;
          server.dispose();
          server = new PvaServerConnection(provider, options);
        }
        server.takeOutput();
      }
    }
    assert.ok(refusedCount > 10_000);
  });

  it(`400,000 random payloads leave the codecs unharmed (SEED=${seed})`, () => {
    let refusedCount = 0;
    for (let i = 0; i < 400_000; i++) {
      const bytes = Uint8Array.from({ length: 4 + below(60) }, () => below(256));
      // A type byte that is known leads further than a random one.
      bytes[0] = [0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x43, 0x4b, 0x68, 0xfd][below(10)] as number;
      const cache: TypeCache = new Map();
      const reader = (): ByteReader => new ByteReader(bytes, i % 3 === 0, 'random');
      const decode = [
        () => new ValueReader(reader(), cache).readTyped(),
        () => new ValueReader(reader(), cache).readTyped(),
        () => readSearchRequest(reader()),
        () => readSearchResponse(reader()),
      ][i % 4] as () => void;
      if (isRefused(decode)) refusedCount++;
    }
    assert.ok(refusedCount > 10_000);
  });
});
