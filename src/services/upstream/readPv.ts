/** One PV read once, in the same words whichever protocol it came by. */
import { clipped } from '../../base/clipped';
import { ContainerError, NoReadAccessError, RemoteProtocolError } from '../../base/errors';
import { formatTime, type PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import { EPICS_EPOCH_SECONDS } from '../../protocol/ca';
import {
  isSuccess,
  PvaClientConnection,
  type PvaStructureValue,
  readPv as readNormative,
} from '../../protocol/pva';
import type { Connection } from '../host/connection';
import { converse } from './converse';
import { identityText } from './identityText';
import { readCaValues, type CaValues } from './readCaValues';

/** Characters of units and of an alarm's reason, which pvAccess does not limit. */
const MAX_WORDS = 1000;

interface ClientIdentity {
  readonly clientName: string;
  readonly hostName: string;
}

const SEVERITIES = ['NO_ALARM', 'MINOR', 'MAJOR', 'INVALID'];
const PVA_SEVERITIES = {
  none: 'NO_ALARM',
  minor: 'MINOR',
  major: 'MAJOR',
  invalid: 'INVALID',
  undefined: 'UNDEFINED',
};
/** epicsAlarmCondition, EPICS Base alarm.h. */
const CONDITIONS = [
  '',
  'READ',
  'WRITE',
  'HIHI',
  'HIGH',
  'LOLO',
  'LOW',
  'STATE',
  'COS',
  'COMM',
  'TIMEOUT',
  'HWLIMIT',
  'CALC',
  'SCAN',
  'LINK',
  'SOFT',
  'BAD_SUB',
  'UDF',
  'DISABLE',
  'SIMM',
  'READ_ACCESS',
  'WRITE_ACCESS',
];

/** Images have two or three (areaDetector: at most ten). */
const MAX_DIMENSIONS = 10;

/** Closes the connection. Rejects with a sentence for a person; the deadline is the caller's. */
export async function readPv(
  protocol: PvProtocol,
  name: string,
  connection: Connection,
  identity: ClientIdentity,
  signal: AbortSignal,
): Promise<PvReading> {
  if (protocol === 'pva') return readByPva(name, connection, identity, signal);
  const [values] = await readCaValues(connection, [name], identity, signal);
  if (!values) throw new ContainerError(`the IOC has no PV ${name}, or refuses it`);
  return readingOfCa(values);
}

export function readingOfCa({ time, control }: CaValues): PvReading {
  const states = control.enumStrings;
  // Numbers stay as they were decoded: as objects, a million of them take the event loop for 0.2 s.
  const named: ArrayLike<number | string> = states
    ? Array.from(time.value as ArrayLike<number>, (index) => states[index] ?? index)
    : time.value;
  const stamp = time.timeStamp;
  const isProcessed = stamp !== undefined && stamp.secondsPastEpoch !== 0;
  return {
    value: named.length === 1 ? named[0] : named,
    ...(control.units !== undefined && { units: control.units }),
    ...(control.precision !== undefined && { precision: control.precision }),
    severity: SEVERITIES[time.alarm?.severity ?? 0] ?? 'INVALID',
    alarmMessage: CONDITIONS[time.alarm?.status ?? 0] ?? '',
    ...(isProcessed && {
      time: formatTime(stamp.secondsPastEpoch + EPICS_EPOCH_SECONDS, stamp.nanoseconds),
    }),
  };
}

function readByPva(
  name: string,
  connection: Connection,
  identity: ClientIdentity,
  signal: AbortSignal,
): Promise<PvReading> {
  return converse<PvReading>(connection, signal, (settle, fail) => {
    const refuse = (what: string, message: string): void =>
      fail(new RemoteProtocolError(`the IOC ${what}: ${message || 'without a reason'}`));
    const client = new PvaClientConnection(
      {
        onValidated(status) {
          if (isSuccess(status)) client.createChannel(name);
          else refuse('refused our connection', status.message);
        },
        onChannelCreated(cid, status) {
          if (isSuccess(status)) client.get(cid);
          else refuse(`has no PV ${name}, or refuses it`, status.message);
        },
        onGet(_ioid, status, value) {
          if (isSuccess(status) && value) settle(readingOfPva(value));
          else if (isDenial(status.message)) {
            const who = identityText(identity);
            fail(new NoReadAccessError(`the IOC denies reading to ${who}: ${status.message}`));
          } else refuse('refused the read', status.message);
        },
      },
      { identity: { user: identity.clientName, host: identity.hostName } },
    );
    return client;
  });
}

/** pvAccess has no code for it: servers and gateways say it in words. */
function isDenial(message: string): boolean {
  const words = message.slice(0, 1000).toLowerCase();
  return DENIALS.some((denial) => words.includes(denial));
}

const DENIALS = ['not permitted', 'not allowed', 'no read access', 'denied', 'permission'];

export function readingOfPva(structure: PvaStructureValue): PvReading {
  const { value, units, precision, alarm, timeStamp } = readNormative(structure);
  const isProcessed = timeStamp !== undefined && timeStamp.secondsPastEpoch > EPICS_EPOCH_SECONDS;
  const dimensions = dimensionsOf(structure);
  return {
    value,
    ...(dimensions && { dimensions }),
    ...(units !== undefined && { units: clipped(units, MAX_WORDS) }),
    ...(precision !== undefined && { precision }),
    severity: PVA_SEVERITIES[alarm?.severity ?? 'none'],
    // QSRV 1 writes NO_ALARM there too.
    alarmMessage:
      alarm === undefined || alarm.severity === 'none' ? '' : clipped(alarm.message, MAX_WORDS),
    ...(isProcessed && { time: formatTime(timeStamp.secondsPastEpoch, timeStamp.nanoseconds) }),
  };
}

/** Of an NTNDArray. */
function dimensionsOf({ dimension }: PvaStructureValue): number[] | undefined {
  if (!Array.isArray(dimension) || dimension.length === 0) return undefined;
  const sizes = dimension.slice(0, MAX_DIMENSIONS).map((one: unknown) => {
    return typeof one === 'object' && one !== null ? (one as { size?: unknown }).size : undefined;
  });
  return sizes.every((size) => typeof size === 'number') ? sizes : undefined;
}
