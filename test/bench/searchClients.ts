/** The least of clients that search, on a circuit and by UDP; what is found is told by its number. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ByteReader } from '../../src/protocol/bytes';
import { CA_PROTO_SEARCH, CA_PROTO_VERSION, FrameReader, FrameWriter } from '../../src/protocol/ca';
import { PvaClientConnection, type SearchedName } from '../../src/protocol/pva';
import { CMD_SEARCH, PVA_HEADER_BYTES } from '../../src/protocol/pva/constants';
import { FrameWriter as PvaFrameWriter, headerSize } from '../../src/protocol/pva/framing';
import { ANY_ADDRESS, readSearchResponse, writeSearchRequest } from '../../src/protocol/pva/search';

export type Found = (id: number) => void;

export interface Searching {
  search(names: readonly SearchedName[]): void;
  close(): void;
}

const HOST = '127.0.0.1';
const MINOR = 13;
/** In a VERSION over UDP: its first parameter counts datagrams. */
const HAS_SEQUENCE = 1;
/** "Say nothing when it is not there", as libca asks. */
const DONT_REPLY = 5;
/** Names of these benchmarks, so many that a datagram is not longer than libca's or PVXS's. */
const NAMES_PER_DATAGRAM = 25;
const MAX_ANSWER_BYTES = 4096;

export async function openCa(port: number, found: Found): Promise<Searching> {
  const socket = await connected(port);
  const reader = new FrameReader('the relay', () => MAX_ANSWER_BYTES);
  socket.on('data', (bytes) => {
    reader.push(bytes);
    while (reader.next()) if (reader.command === CA_PROTO_SEARCH) found(reader.parameter2);
  });
  const writer = new FrameWriter();
  writer.message(CA_PROTO_VERSION, 0, MINOR, 0, 0);
  return {
    search(names) {
      for (const { id, name } of names) {
        writer.textMessage(CA_PROTO_SEARCH, DONT_REPLY, MINOR, id, id, name);
      }
      socket.write(writer.take());
    },
    close: () => void socket.destroy(),
  };
}

export async function openCaUdp(port: number, found: Found): Promise<Searching> {
  let sequence = 0;
  const read = (datagram: Uint8Array): void => {
    const reader = new FrameReader('the server', () => MAX_ANSWER_BYTES);
    reader.push(datagram);
    while (reader.next()) if (reader.command === CA_PROTO_SEARCH) found(reader.parameter2);
  };
  return openUdp(port, read, (names) => {
    const writer = new FrameWriter();
    writer.message(CA_PROTO_VERSION, HAS_SEQUENCE, MINOR, sequence++, 0);
    for (const { id, name } of names) {
      writer.textMessage(CA_PROTO_SEARCH, DONT_REPLY, MINOR, id, id, name);
    }
    return writer.take();
  });
}

export async function openPva(port: number, found: Found): Promise<Searching> {
  const socket = await connected(port);
  let tellValidated: () => void = () => undefined;
  const validated = new Promise<void>((resolve) => {
    tellValidated = resolve;
  });
  const connection = new PvaClientConnection({
    onValidated: () => tellValidated(),
    onSearchResponse: ({ isFound, ids }) => {
      if (isFound) ids.forEach(found);
    },
  });
  const flush = (): void => void socket.write(connection.takeOutput());
  socket.on('data', (bytes) => {
    connection.receive(bytes);
    flush();
  });
  await validated;
  return {
    search(names) {
      connection.search(names);
      flush();
    },
    close: () => void socket.destroy(),
  };
}

export async function openPvaUdp(port: number, found: Found): Promise<Searching> {
  let sequenceId = 0;
  const read = (datagram: Uint8Array): void => {
    let at = 0;
    while (at < datagram.length) {
      const start = at + PVA_HEADER_BYTES;
      at = start + headerSize(datagram, at);
      const reader = new ByteReader(datagram.subarray(start, at), true, 'the server');
      const { isFound, ids } = readSearchResponse(reader);
      if (isFound) ids.forEach(found);
    }
  };
  return openUdp(port, read, (names) => {
    const writer = new PvaFrameWriter('client', true);
    writer.message(CMD_SEARCH, (body) =>
      writeSearchRequest(body, {
        ...{ sequenceId: sequenceId++, flags: 0, isDirect: false, names },
        ...{ replyAddress: ANY_ADDRESS, replyPort: 0, protocols: ['tcp'] },
      }),
    );
    return writer.take();
  });
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: HOST, port, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function openUdp(
  port: number,
  read: (datagram: Uint8Array) => void,
  write: (names: readonly SearchedName[]) => Uint8Array,
): Promise<Searching> {
  const socket: UdpSocket = createSocket('udp4');
  socket.on('message', read);
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return {
    search(names) {
      for (let at = 0; at < names.length; at += NAMES_PER_DATAGRAM) {
        socket.send(write(names.slice(at, at + NAMES_PER_DATAGRAM)), port, HOST);
      }
    },
    close: () => void socket.close(),
  };
}
