import assert from 'node:assert/strict';
import {
  decodeClientMessage,
  decodeDatagram,
  decodeDbr,
  decodeServerMessage,
  encodeClientMessage,
  encodeDbr,
  encodeServerMessage,
  FrameWriter,
  dbrName,
  dbrType,
  type CaClientMessage,
  type CaFrame,
  type CaServerMessage,
  type DbrData,
} from '../../../../src/protocol/ca';
import { everySplit } from '../../../support/everySplit';
import { cutFrames, cutOne, fromHex, toHex, vectorFiles, type Vector } from './vectors';

/** Our names for caproto's classes. */
const commandOf: Record<string, string> = {
  VersionRequest: 'VERSION',
  VersionResponse: 'VERSION',
  SearchRequest: 'SEARCH',
  SearchResponse: 'SEARCH',
  NotFoundResponse: 'NOT_FOUND',
  CreateChanRequest: 'CREATE_CHAN',
  CreateChanResponse: 'CREATE_CHAN',
  CreateChFailResponse: 'CREATE_CH_FAIL',
  AccessRightsResponse: 'ACCESS_RIGHTS',
  ClearChannelRequest: 'CLEAR_CHANNEL',
  ClearChannelResponse: 'CLEAR_CHANNEL',
  ReadNotifyRequest: 'READ_NOTIFY',
  ReadNotifyResponse: 'READ_NOTIFY',
  ReadRequest: 'READ',
  ReadResponse: 'READ',
  WriteRequest: 'WRITE',
  WriteNotifyRequest: 'WRITE_NOTIFY',
  EventAddRequest: 'EVENT_ADD',
  EventAddResponse: 'EVENT_ADD',
  EventCancelRequest: 'EVENT_CANCEL',
  EventCancelResponse: 'EVENT_ADD',
  EventsOnRequest: 'EVENTS_ON',
  EventsOffRequest: 'EVENTS_OFF',
  HostNameRequest: 'HOST_NAME',
  ClientNameRequest: 'CLIENT_NAME',
  EchoRequest: 'ECHO',
  EchoResponse: 'ECHO',
  ErrorResponse: 'ERROR',
  Beacon: 'RSRV_IS_UP',
  RepeaterRegisterRequest: 'REPEATER_REGISTER',
  RepeaterConfirmResponse: 'REPEATER_CONFIRM',
};

/** Our names for caproto's fields; those left out mean something else in a few messages. */
const fieldOf: Record<string, string> = {
  cid: 'cid',
  sid: 'sid',
  ioid: 'ioid',
  subscriptionid: 'subscriptionId',
  mask: 'mask',
  name: 'name',
  beacon_id: 'beaconId',
  server_port: 'port',
};

function decode(frame: CaFrame, sentBy: 'client' | 'server'): CaClientMessage | CaServerMessage {
  return sentBy === 'client' ? decodeClientMessage(frame) : decodeServerMessage(frame);
}

function checkFields(message: CaClientMessage | CaServerMessage, vector: Vector): void {
  assert.equal(message.command, commandOf[vector.caproto], vector.hex);
  const ours = message as unknown as Record<string, unknown>;
  const theirs = vector.fields ?? {};
  for (const [name, value] of Object.entries(theirs)) {
    const field = fieldOf[name];
    if (field !== undefined && field in ours)
      assert.equal(ours[field], value, `${field} of ${vector.hex}`);
  }
  if ('dbrType' in message) {
    assert.equal(message.dbrType, theirs['data_type']);
    // caproto's EVENT_CANCEL has no count.
    assert.equal(message.count, theirs['data_count'] ?? message.count);
  }
  if (message.command === 'ERROR') {
    assert.equal(message.eca, theirs['status']);
    const about = theirs['original_request'] as Record<string, number>;
    assert.equal(message.about?.command, about['command']);
    assert.equal(message.about?.parameter1, about['parameter1']);
    assert.equal(message.about?.parameter2, about['parameter2']);
  }
  if (message.command === 'ACCESS_RIGHTS') {
    const rights = (message.isReadable ? 1 : 0) | (message.isWritable ? 2 : 0);
    assert.equal(rights, theirs['access_rights']);
  }
}

/** caproto's flat names for what a value carries. */
function flatten(data: DbrData): Record<string, unknown> {
  const flat: Record<string, unknown> = {
    status: data.alarm?.status,
    severity: data.alarm?.severity,
    secondsSinceEpoch: data.timeStamp?.secondsPastEpoch,
    nanoSeconds: data.timeStamp?.nanoseconds,
    precision: data.precision,
    units: data.units,
    enumStrings: data.enumStrings,
    no_str: data.enumStrings?.length,
    upper_disp_limit: data.displayLimits?.upper,
    lower_disp_limit: data.displayLimits?.lower,
    upper_alarm_limit: data.alarmLimits?.upperAlarm,
    upper_warning_limit: data.alarmLimits?.upperWarning,
    lower_warning_limit: data.alarmLimits?.lowerWarning,
    lower_alarm_limit: data.alarmLimits?.lowerAlarm,
    upper_ctrl_limit: data.controlLimits?.upper,
    lower_ctrl_limit: data.controlLimits?.lower,
    ackt: data.acknowledge?.transient,
    acks: data.acknowledge?.severity,
    value: Array.from<number | string>(data.value),
  };
  for (const [key, value] of Object.entries(flat)) {
    if (value === undefined) delete flat[key];
    else if (Number.isNaN(value)) flat[key] = 'nan';
  }
  return flat;
}

function isValue(
  message: CaClientMessage | CaServerMessage,
): message is Extract<CaServerMessage, { payload: Uint8Array }> {
  return 'payload' in message && message.payload.length > 0;
}

/** What our encoder does not repeat, each with its reason. */
function isPeculiar({ hex }: Vector, message: CaClientMessage | CaServerMessage): boolean {
  const isExtended = hex.startsWith('ffff', 4);
  const isExtensionNeeded =
    Number(`0x${hex.slice(32, 40)}`) >= 0xffff || Number(`0x${hex.slice(40, 48)}`) >= 0xffff;
  return (
    // rsrv makes room for all of a large array, then sends the few elements that there are.
    (isExtended && !isExtensionNeeded) ||
    // CAJ sends no text, not even an empty one.
    (message.command === 'ERROR' && message.text === '') ||
    // Ours are never encoded.
    message.command === 'WRITE' ||
    message.command === 'WRITE_NOTIFY'
  );
}

describe('CA vectors', () => {
  it('come from at least four servers and two clients', () => {
    const senders = new Set(
      vectorFiles.map(({ from, sentBy }) => `${sentBy} ${from.split(/[ ,]/)[0]}`),
    );
    for (const sender of ['server rsrv', 'server PCAS', 'server caproto', 'server CAJ']) {
      assert.ok(senders.has(sender), sender);
    }
    assert.ok(senders.has('client libca') && senders.has('client caproto'));
  });

  it('hold a value of every DBR type, and each of them was decoded by caproto too', () => {
    const types = new Set(
      vectorFiles.flatMap(({ messages }) =>
        messages.filter(({ data }) => data).map(({ fields }) => fields!['data_type'] as number),
      ),
    );
    for (let type = 0; type <= 38; type++) {
      if (type !== 35 && type !== 36) assert.ok(types.has(type), dbrName(type));
    }
  });

  for (const { file, from, sentBy, transport, messages } of vectorFiles) {
    describe(file, () => {
      it('is cut into the same messages however the bytes arrive', () => {
        const stream = fromHex(messages.map(({ hex }) => hex).join(''));
        const whole = messages.map(({ hex }) => cutOne(hex));
        everySplit(stream, (chunks, how, copies) => {
          const frames = cutFrames(chunks);
          assert.equal(frames.length, whole.length * copies, how);
          frames.forEach((frame, index) => {
            const expected = whole[index % whole.length]!;
            const isSame =
              frame.command === expected.command &&
              frame.dataType === expected.dataType &&
              frame.count === expected.count &&
              frame.parameter1 === expected.parameter1 &&
              frame.parameter2 === expected.parameter2 &&
              Buffer.compare(frame.payload, expected.payload) === 0;
            if (!isSame) assert.deepEqual(frame, expected, `${how}, message ${index}`);
          });
        });
        if (transport === 'udp') assert.deepEqual(decodeDatagram(stream, 'the peer'), whole);
      });

      it('means to us what it means to caproto', () => {
        for (const vector of messages) {
          checkFields(decode(cutOne(vector.hex), sentBy), vector);
        }
      });

      it('is what we encode', () => {
        for (const vector of messages) {
          const message = decode(cutOne(vector.hex), sentBy);
          if (isPeculiar(vector, message)) continue;
          const writer = new FrameWriter();
          if (sentBy === 'server') encodeServerMessage(writer, message as CaServerMessage);
          else encodeClientMessage(writer, message as Parameters<typeof encodeClientMessage>[1]);
          assert.equal(toHex(writer.take()), vector.hex, JSON.stringify(message));
        }
      });

      it('holds the values that caproto reads from it, and gives the same bytes back', () => {
        for (const vector of messages) {
          const message = decode(cutOne(vector.hex), sentBy);
          if (!isValue(message)) continue;
          const data = decodeDbr(message.dbrType, message.count, message.payload);
          // caproto takes DBR_CTRL_STRING for DBR_TIME_STRING, in its own servers too.
          const isCtrlString = message.dbrType === dbrType('CTRL', 'STRING');
          if (vector.data !== undefined && (!isCtrlString || from.startsWith('caproto'))) {
            assert.deepEqual(flatten(data), vector.data, vector.hex);
          }
          if (isCtrlString) continue;
          const again = encodeDbr(message.dbrType, data);
          assert.deepEqual(decodeDbr(message.dbrType, message.count, again), data);
          // rsrv and PCAS leave in the gaps what was there before; ours are zero.
          again.forEach((byte, at) => {
            if (byte !== 0) assert.equal(byte, message.payload[at], `${at} of ${vector.hex}`);
          });
        }
      });
    });
  }
});
