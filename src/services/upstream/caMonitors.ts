import { isErrorCode, messageOf } from '../../base/errors';
import {
  type CaClientCircuit,
  DBE_ALARM,
  DBE_VALUE,
  type DbrData,
  decodeDbr,
  Eca,
  ecaName,
  wrapDbrType,
} from '../../protocol/ca';
import type { PvReading } from '../../model/reading';
import type { MonitorListener, ReadingSource } from './protocolAdapter';

/**
 * The event mask of our monitors: changes of the value and of the alarm state. Units and state names
 * are read once, so DBE_PROPERTY alone would bring no new ones.
 */
const MONITOR_MASK = DBE_VALUE | DBE_ALARM;

/** A channel of the circuit, as far as monitors need it. */
export interface MonitoredChannel {
  readonly cid: number;
  /** Its native DBR type. */
  readonly type: number;
  subscriptionId: number | undefined;
  /** It was subscribed to once more, with its own number of elements. */
  hasFallenBack: boolean;
  /** Units, precision and state names, read once before the first update. */
  control: DbrData | undefined;
  monitorListener: MonitorListener | undefined;
}

/** What CaMonitors needs. */
export interface CaMonitorsInput<C extends MonitoredChannel> {
  readonly circuit: CaClientCircuit;
  /** How many elements to ask for; 0: all. */
  readonly countOf: (channel: C) => number;
  readonly readingOf: (channel: C, time: DbrData, control: DbrData) => PvReading;
  /** Ends the channel of a monitor that failed. */
  readonly close: (channel: C) => void;
}

/** The subscriptions of one circuit. Each sends TIME types; what CTRL types have was read before. */
export class CaMonitors<C extends MonitoredChannel> {
  readonly #input: CaMonitorsInput<C>;
  readonly #subscriptions = new Map<number, C>();
  #subscriptionCount = 0;

  constructor(input: CaMonitorsInput<C>) {
    this.#input = input;
  }

  /** Subscribes to a channel that has its `control`; its listener hears what comes of it. */
  begin(channel: C): void {
    // A new id each time: a subscription that was refused may still have the former one.
    this.forget(channel);
    channel.subscriptionId = this.#subscriptionCount++;
    const type = wrapDbrType('TIME', channel.type);
    const { circuit, countOf } = this.#input;
    try {
      circuit.subscribe(channel.subscriptionId, channel.cid, type, countOf(channel), MONITOR_MASK);
    } catch (error) {
      // This circuit cannot ask for that: it concerns this PV alone.
      if (!isErrorCode(error, 'local-protocol')) throw error;
      this.fail(channel, messageOf(error));
      return;
    }
    this.#subscriptions.set(channel.subscriptionId, channel);
  }

  /** Takes an event: `eca` and, if it is ECA_NORMAL, a payload of that type and count. */
  event(id: number, eca: number, dbrType: number, count: number, payload: Uint8Array): void {
    const channel = this.#subscriptions.get(id);
    if (!channel) return;
    if (eca !== Eca.ECA_NORMAL) this.#onNoUpdate(channel, eca);
    else if (dbrType !== wrapDbrType('TIME', channel.type)) {
      this.#onNoUpdate(channel, Eca.ECA_BADTYPE);
    } else {
      const { control, monitorListener } = channel;
      const time = decodeDbr(dbrType, count, payload);
      if (!control) return;
      const choice = choiceIn(time, control);
      monitorListener?.value(this.#input.readingOf(channel, time, control), {
        ...(choice && { choice }),
      });
    }
  }

  /** Ends the channel, and tells its listener why. */
  fail(channel: C, reason: string): void {
    this.#input.close(channel);
    channel.monitorListener?.failed(reason);
  }

  /** The channel ended, and its subscription with it. */
  forget({ subscriptionId }: C): void {
    if (subscriptionId !== undefined) this.#subscriptions.delete(subscriptionId);
  }

  #onNoUpdate(channel: C, eca: number): void {
    const mayFallBack = !channel.hasFallenBack && !this.#input.circuit.canAskForAllElements;
    if (eca === Eca.ECA_BADCOUNT && mayFallBack) {
      channel.hasFallenBack = true;
      this.begin(channel); // CAJ refuses "all elements" although its version supports it
    } else if (eca === Eca.ECA_BADCOUNT || eca === Eca.ECA_BADTYPE) {
      this.fail(channel, `the IOC refused the subscription: ${ecaName(eca)}`);
    } else channel.monitorListener?.stalled(`the IOC sends no value: ${ecaName(eca)}`);
  }
}

/** The state of an ENUM; undefined for other values, and for several. */
function choiceIn(time: DbrData, { enumStrings }: DbrData): ReadingSource['choice'] {
  const [index] = time.value;
  const isOne = time.element === 'ENUM' && time.value.length === 1;
  return isOne && enumStrings && typeof index === 'number'
    ? { index, choices: enumStrings }
    : undefined;
}
