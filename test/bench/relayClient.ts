/** The client of relay.ts: asks for LENGTH bytes at PORT, compares each, prints the seconds it took. */
import { connect } from 'node:net';
import { PatternCheck } from '../support/pattern';

const [port = 0, lengthBytes = 0] = process.argv.slice(2).map(Number);
const check = new PatternCheck();
const buffer = Buffer.alloc(256 * 1024);
let startMs = 0;

const socket = connect({
  host: '127.0.0.1',
  port,
  onread: {
    buffer,
    callback(readBytes) {
      check.take(buffer.subarray(0, readBytes));
      return true;
    },
  },
});
socket.on('connect', () => {
  const request = Buffer.alloc(8);
  request.writeBigUInt64BE(BigInt(lengthBytes));
  startMs = performance.now();
  socket.write(request);
});
socket.on('end', () => {
  if (check.lengthBytes !== lengthBytes) {
    console.error(`${check.lengthBytes} of ${lengthBytes} bytes came`);
    process.exit(1);
  }
  console.log((performance.now() - startMs) / 1000);
  process.exit(0);
});
socket.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
