/** `epics-expose broker status|stop|restart`: manages the background process. */
import { isErrorCode } from '../../base/errors';
import { printable } from '../../base/printable';
import { type BrokerCore, connectBroker, findBroker } from '../../node/broker/connectBroker';
import { brokerPaths } from '../../node/broker/brokerPaths';
import { isSilence } from '../../node/broker/dialBroker';
import { stopBroker } from '../../node/broker/stopBroker';
import { systemClock } from '../../node/systemClock';
import { EXIT } from '../exitCodes';
import { brokerOptions } from '../brokerOptions';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { TERMINAL_WORDS } from '../../present/frontEndWords';
import { errorText } from '../../present/problemText';

/** The words after `epics-expose broker`. */
export const BROKER_ACTIONS = ['status', 'stop', 'restart'] as const;
/** One of BROKER_ACTIONS. */
export type BrokerAction = (typeof BROKER_ACTIONS)[number];

/** What each action does, for --help. */
export const BROKER_WORDS: Record<BrokerAction, string> = {
  status: 'show whether it is running, and for whom',
  stop: 'end it, and every connection it carries',
  restart: 'end it and start another one',
};

/** Runs the command; resolves to its exit code. */
export async function runBroker(
  action: BrokerAction,
  common: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  if (action === 'stop') return stop(terminal, signal);
  let problem: unknown;
  const options = brokerOptions(terminal, `broker ${action}`);
  const broker = await findBroker(options, signal, (error) => {
    problem = error;
  });
  if (!broker && action === 'restart' && isSilence(problem)) return replace(terminal, signal);
  if (!broker && problem !== undefined) {
    const text = errorText(problem, TERMINAL_WORDS);
    terminal.report(`The background process is running but cannot be used: ${text}`);
    return EXIT.unreachable;
  }
  if (!broker) return noBroker(terminal);
  try {
    if (action === 'status') await tellStatus(broker, common, terminal, signal);
    if (action === 'restart') await broker.restart(signal);
    if (action === 'restart') terminal.report('Restarted.');
    return EXIT.ok;
  } catch (error) {
    return didNot(action, error, terminal);
  } finally {
    await broker.close();
  }
}

/** Ends one that does not answer, and starts another one. */
async function replace(terminal: Terminal, signal: AbortSignal): Promise<number> {
  const ended = await stop(terminal, signal);
  if (ended !== EXIT.ok) return ended;
  try {
    const other = await connectBroker(brokerOptions(terminal, 'broker restart'), signal);
    await other.close();
    terminal.report('Restarted.');
    return EXIT.ok;
  } catch (error) {
    return didNot('restart', error, terminal);
  }
}

/** Also stops one whose protocol we do not know, or that does not answer. */
async function stop(terminal: Terminal, signal: AbortSignal): Promise<number> {
  const place = brokerPaths(process.env);
  try {
    if (!place || !(await stopBroker(place, systemClock, signal))) return noBroker(terminal);
    terminal.report('Stopped.');
    return EXIT.ok;
  } catch (error) {
    if (isErrorCode(error, 'usage')) throw error;
    return didNot('stop', error, terminal);
  }
}

function noBroker(terminal: Terminal): number {
  terminal.report(
    'No background process is running. A window or `epics-expose` starts what it needs.',
  );
  return EXIT.notFound;
}

function didNot(action: BrokerAction, error: unknown, terminal: Terminal): number {
  terminal.report(`The background process did not ${action}: ${errorText(error, TERMINAL_WORDS)}`);
  return EXIT.unreachable;
}

async function tellStatus(
  broker: BrokerCore,
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const requests = await broker.listRequests(signal);
  const { pid, version, isForeground, logFile, frontEndCount } = broker.broker;
  // This command is a front end, too.
  const others = frontEndCount - 1;
  if (options.json === true) {
    terminal.printJson({ ...broker.broker, frontEndCount: others, wishes: requests });
    return;
  }
  terminal.print(`${isForeground ? 'a command in a terminal' : 'in the background'}, pid ${pid}`);
  terminal.print(`version ${printable(version)}`);
  terminal.print(
    `connected besides this command: ${others}; requests for core: ${requests.length}`,
  );
  if (logFile !== undefined) terminal.print(`log ${printable(logFile)}`);
}
