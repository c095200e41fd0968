import { join } from 'node:path';
import type { ConnectBrokerOptions } from '../node/broker/connectBroker';
import { version } from '../../package.json';
import type { Terminal } from './terminal';

/** How a command connects to the broker. */
export function brokerOptions(terminal: Terminal, command: string): ConnectBrokerOptions {
  return {
    env: process.env,
    clientName: `epics-expose ${command}`,
    version,
    program: join(__dirname, 'broker.js'),
    log: terminal.log,
  };
}
