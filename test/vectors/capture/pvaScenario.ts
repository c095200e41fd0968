/** Plays PvaScenario against a server for a second: `tsx pvaScenario.ts PORT NAME...` (see pva.py). */
import { connect } from 'node:net';
import { PvaScenario } from '../../support/pvaScenario';

const [port, ...names] = process.argv.slice(2);
const scenario = new PvaScenario(names);
const socket = connect(Number(port), '127.0.0.1');
socket.on('error', (error) => console.error(error.message));
socket.on('data', (chunk) => {
  scenario.connection.receive(chunk);
  const bytes = scenario.connection.takeOutput();
  if (bytes.byteLength > 0) socket.write(bytes);
});
setTimeout(() => socket.destroy(), 1500);
