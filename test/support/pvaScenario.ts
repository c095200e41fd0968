import {
  type BitSet,
  PvaClientConnection,
  type PvaStatus,
  type PvaStructureValue,
  readChannelNames,
  readServerInfo,
  type SearchResponse,
  SERVER_CHANNEL,
  serverChannelRequest,
} from '../../src/protocol/pva/index';

/** What a client saw, in plain data that can be compared. */
export interface ScenarioResult {
  validated?: PvaStatus;
  refused: string[];
  created: string[];
  searches: SearchResponse[];
  names?: readonly string[];
  info?: Readonly<Record<string, string>>;
  values: Record<string, PvaStructureValue>;
  monitors: Record<string, { value: PvaStructureValue; changed: number[] }>;
  fields: Record<string, string>;
  echoes: number;
  skipped: number[];
  messages: string[];
}

/**
 * One fixed conversation of our client with any server: search, channels, list, info, and for each
 * PV type, get and monitor. The same bytes from the server lead to the same bytes from us, so that
 * a conversation recorded once (test/vectors/capture/pva.py) can be played back.
 */
export class PvaScenario {
  readonly connection: PvaClientConnection;
  readonly result: ScenarioResult = {
    refused: [],
    created: [],
    searches: [],
    values: {},
    monitors: {},
    fields: {},
    echoes: 0,
    skipped: [],
    messages: [],
  };
  readonly #nameByCid = new Map<number, string>();
  readonly #nameByIoid = new Map<number, string>();
  #ops = { list: -1, info: -1 };

  constructor(names: readonly string[]) {
    const { result } = this;
    const connection = new PvaClientConnection(
      {
        onValidated: (status) => {
          result.validated = status;
          connection.search([], { mustReply: true });
          connection.search(names.map((name, id) => ({ id, name })));
          for (const name of [SERVER_CHANNEL, ...names]) {
            this.#nameByCid.set(connection.createChannel(name), name);
          }
          connection.echo(Uint8Array.of(1, 2, 3));
        },
        onSearchResponse: (response) => result.searches.push(response),
        onChannelCreated: (cid, status) => this.#onCreated(cid, status),
        onField: (ioid, _status, type) => {
          if (type?.kind === 'structure') result.fields[this.#name(ioid)] = type.id;
        },
        onGet: (ioid, _status, value) => {
          if (value) result.values[this.#name(ioid)] = value;
        },
        onMonitor: (ioid, value, changed: BitSet) => {
          result.monitors[this.#name(ioid)] ??= { value, changed: [...changed] };
        },
        onRpc: (ioid, _status, answer) => {
          if (ioid === this.#ops.list) result.names = [...readChannelNames(answer)];
          if (ioid === this.#ops.info) result.info = readServerInfo(answer);
        },
        onServerMessage: (_ioid, type, message) => result.messages.push(`${type}: ${message}`),
        onEcho: () => result.echoes++,
        onSkipped: (command) => result.skipped.push(command),
      },
      { identity: { user: 'someone', host: 'somewhere' } },
    );
    this.connection = connection;
  }

  #name(ioid: number): string {
    return this.#nameByIoid.get(ioid) ?? '?';
  }

  #onCreated(cid: number, status: PvaStatus): void {
    const name = this.#nameByCid.get(cid) ?? '?';
    if (status.type !== 'ok') {
      this.result.refused.push(name);
      return;
    }
    this.result.created.push(name);
    const { connection } = this;
    if (name === SERVER_CHANNEL) {
      this.#ops.list = connection.rpc(cid, serverChannelRequest('channels'));
      this.#ops.info = connection.rpc(cid, serverChannelRequest('info'));
      return;
    }
    this.#nameByIoid.set(connection.getField(cid), name);
    this.#nameByIoid.set(connection.get(cid), name);
    this.#nameByIoid.set(connection.monitor(cid), name);
  }
}
