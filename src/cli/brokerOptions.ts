import { join } from 'node:path';
import type { ConnectBrokerOptions } from '../node/broker/connectBroker';
import { version } from '../../package.json';
import type { Terminal } from './terminal';

/** A command that waits longer says that the broker does not answer, and works without it. */
const HELLO_MS = 1500;

/** How a command connects to the broker. */
export function brokerOptions(terminal: Terminal, command: string): ConnectBrokerOptions {
  return {
    env: process.env,
    clientName: `epics-expose ${command}`,
    version,
    program: join(__dirname, 'broker.js'),
    log: terminal.log,
    helloMs: HELLO_MS,
  };
}
