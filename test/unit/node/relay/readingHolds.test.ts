import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { ReadingHolds } from '../../../../src/node/relay/readingHolds';
import { settle } from '../../../support/fakeClock';

describe('what holds the reading of a stream', () => {
  it('is each reason by itself: the end of one does not take away the other', async () => {
    const stream = new PassThrough();
    const read: string[] = [];
    stream.on('data', (bytes: Buffer) => read.push(bytes.toString()));
    const holds = new ReadingHolds(stream);
    holds.hold('full');
    holds.hold('questions');
    stream.write('first');
    holds.release('questions');
    await settle();
    assert.deepEqual(read, []);
    holds.hold('questions');
    holds.release('full');
    await settle();
    assert.deepEqual(read, []);
    holds.release('questions');
    await settle();
    assert.deepEqual(read, ['first']);
    stream.destroy();
  });
});
