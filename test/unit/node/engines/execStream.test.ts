import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { ExecStream } from '../../../../src/node/engines/execStream';
import { everySplit } from '../../../support/everySplit';

/** The engine's end of a hijacked connection, in memory. */
class Peer extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {
    // Pushed by the test.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

function frame(stream: number, payload: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

async function receive(chunks: Uint8Array[]): Promise<{ stdout: string; stderr: string }> {
  const peer = new Peer();
  const stream = new ExecStream(peer);
  for (const chunk of chunks) peer.push(chunk);
  peer.push(null);
  const received: Buffer[] = [];
  for await (const chunk of stream) received.push(chunk as Buffer);
  return { stdout: Buffer.concat(received).toString(), stderr: stream.stderrText };
}

describe('exec stream', () => {
  it('tells stdout from stderr, however the frames are cut', async () => {
    const bytes = Buffer.concat([
      frame(1, 'one '),
      frame(2, 'wrong'),
      frame(1, ''),
      frame(1, 'two'),
    ]);
    const checks: Promise<void>[] = [];
    everySplit(bytes, (chunks, how, copies) => {
      const check = async (): Promise<void> => {
        const { stdout, stderr } = await receive(chunks);
        assert.equal(stdout, 'one two'.repeat(copies), how);
        assert.equal(stderr, 'wrong'.repeat(copies), how);
      };
      checks.push(check());
    });
    await Promise.all(checks);
  });

  it('does not take what Docker says of a missing program for its output', async () => {
    const text = 'OCI runtime exec failed: exec failed: "nope": executable file not found';
    assert.deepEqual(await receive([frame(1, text)]), { stdout: '', stderr: text });
    const later = await receive([frame(1, 'x'), frame(1, text)]);
    assert.deepEqual(later, { stdout: `x${text}`, stderr: '' });
  });

  it('keeps the end of a long stderr only', async () => {
    const { stderr } = await receive([frame(2, 'a'.repeat(10_000)), frame(2, 'end')]);
    assert.equal(stderr.length, 4096);
    assert.ok(stderr.endsWith('aend'));
  });

  it('fails on a header that is none, and on an end within a frame', async () => {
    const bad = { code: 'remote-protocol' };
    await assert.rejects(receive([Buffer.from('GET / HTTP')]), bad);
    await assert.rejects(receive([frame(3, 'x')]), bad);
    await assert.rejects(receive([frame(1, 'hello').subarray(0, 10)]), { code: 'transport' });
    await assert.rejects(receive([frame(1, 'hello').subarray(0, 3)]), { code: 'transport' });
  });

  it('passes on writes, the end, and the loss of the connection', async () => {
    const peer = new Peer();
    const stream = new ExecStream(peer);
    stream.write('to stdin');
    stream.end();
    await new Promise((resolve) => peer.once('finish', resolve));
    assert.equal(Buffer.concat(peer.written).toString(), 'to stdin');
    const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
    peer.destroy(new Error('reset'));
    assert.match((await failed).message, /reset/);
  });
});
