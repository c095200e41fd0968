/** What keeps clients from PVs, as codes with their facts; `present/findingText` makes the words. */
import type { DuplicatePvs, SearchMode, SimilarPv } from '../coreApi';
import type { Endpoint } from '../endpoint';
import type { Note } from '../note';
import type { IocPlace, RecordPlace } from '../iocPlace';
import type { PortOwner, Problem } from '../problem';
import type { PvProtocol } from '../pvProtocol';
import type { PvReading } from '../reading';

/** Where a variable is set. */
export interface SettingSource {
  /** A file; absent: the environment of this program. */
  readonly file?: string;
  /** Line in that file, from 1. */
  readonly line?: number;
}

/** The facts of each finding. */
export interface FindingFacts {
  // The settings of clients.
  /** A list whose entries are not separated by blanks. */
  readonly 'list-separator': SettingFacts & {
    readonly value: string;
    /** The list as it is probably meant. */
    readonly meant: string;
    /** Whether a comma stands before a port. */
    readonly hasPortByComma: boolean;
    /** The one entry that the client takes it for; absent: it takes nothing. */
    readonly taken?: Endpoint;
  };
  /** An entry that is no address: clients ignore it. */
  readonly 'entry-no-address': SettingFacts & { readonly entry: string };
  /** A name server at a port where servers take searches by UDP. */
  readonly 'name-server-udp-port': SettingFacts & {
    readonly entry: string;
    readonly port: number;
    /** Where our name server for that protocol is, if there is one. */
    readonly ours?: Endpoint;
  };
  /** A name server of the other protocol. */
  readonly 'name-server-other-protocol': SettingFacts & {
    readonly entry: string;
    readonly protocol: PvProtocol;
  };
  /** Nobody listens at the entry. */
  readonly 'entry-refuses': SettingFacts & {
    readonly entry: string;
    /** Whether the client waits for it at its end. */
    readonly isWaitedFor: boolean;
    /** The protocol of which our name server is there as soon as something is exposed. */
    readonly ourPlace?: PvProtocol;
  } & Instead;
  /** What accepts connections there ends them at once: nothing is behind it. */
  readonly 'entry-ends': SettingFacts & { readonly entry: string } & Instead;
  /** The port of a container whose IOC listens on its loopback alone, so that it leads nowhere. */
  readonly 'entry-in-vain': SettingFacts & {
    readonly entry: string;
    readonly container: string;
    readonly inside: string;
  } & Instead;
  /** Another program there leads to one IOC, so that clients find no PV of another. */
  readonly 'entry-leads-to': SettingFacts & {
    readonly entry: string;
    readonly owner?: PortOwner;
    readonly ioc: IocPlace;
  } & Instead;
  /**
   * It leads to an IOC, which tells clients its own port: they go on to that port of the same host,
   * where that IOC is not. Of pvAccess alone: clients of Channel Access stay where they searched.
   */
  readonly 'entry-other-port': SettingFacts & {
    readonly entry: string;
    readonly ioc: IocPlace;
    readonly goOnTo: Endpoint;
  } & Instead;
  /** What listens there does not answer in the protocol. */
  readonly 'entry-stranger': SettingFacts & {
    readonly entry: string;
    readonly owner?: PortOwner;
    readonly protocol: PvProtocol;
  } & Instead;
  /** A connection to the entry is not answered. */
  readonly 'entry-silent': SettingFacts & { readonly entry: string };
  /** An address of this machine that is searched at a UDP port on which nobody answers. */
  readonly 'search-entry': SettingFacts & {
    readonly entry: string;
    readonly port: number;
    /** Where searches are answered, or usually are. */
    readonly searchPort: number;
  } & Answered;
  /** Clients search on a UDP port on which nobody answers. */
  readonly 'search-port': SettingFacts & {
    readonly port: number;
    readonly protocol: PvProtocol;
  } & Answered;
  /** Another program listens where clients search, or it is not known whether one does. */
  readonly 'search-unsure': SettingFacts & {
    readonly entry: string;
    readonly port: number;
    /** As in `search-entry`. */
    readonly searchPort: number;
  };
  /** A variable of a name that no client reads. */
  readonly 'variable-unknown': SettingFacts & {
    /** The one that was probably meant. */
    readonly meant: string;
  };
  /** Clients look neither at our name server nor at 127.0.0.1. */
  readonly 'not-set-up': Partial<SettingFacts> & {
    readonly protocol: PvProtocol;
    readonly nameServer: Endpoint;
  };
  /** Clients search 127.0.0.1, and the IOC that has the port ignores what comes from there. */
  readonly 'searches-ignored': SettingFacts & {
    readonly ioc: string;
    /** Of the IOC's environment, with its value. */
    readonly list: string;
    readonly addresses: string;
    /** Our name server, which asks it otherwise. */
    readonly ours?: Endpoint;
    readonly nameServers: string;
  };
  /** A client that has no name servers does not search 127.0.0.1. */
  readonly 'not-searched': SettingFacts & {
    readonly protocol: PvProtocol;
    /** A variable that is set, and that it does not read. */
    readonly unread?: string;
    /** Whether we answer searches to 127.0.0.1. */
    readonly isAnswered: boolean;
  };
  /** What is set leads some clients to PVs, and others not. */
  readonly 'only-some-clients': SettingFacts & { readonly clients: readonly string[] };
  /** A client that has preferences of its own, which are not known. */
  readonly 'preferences-unknown': { readonly client: string };
  /** The value of a setting depends on what is not known here. */
  readonly 'setting-unknown': SettingFacts;
  /** A preference that Phoebus does not read. */
  readonly 'preference-unknown': SettingFacts & {
    /** The one that was probably meant. */
    readonly meant?: string;
  };
  /** A line in a file of preferences that is none: Phoebus does not start. */
  readonly 'preference-no-package': SettingFacts;
  /** Nothing is exposed on this machine now. */
  readonly 'not-exposed': object;

  // Files that make containers.
  /** A port of EPICS that VS Code's own port forwarding is told to forward. */
  readonly 'port-forwarded': SettingSource & {
    readonly port: number;
    /** Whether only datagrams go there. */
    readonly isUdp: boolean;
  };
  /** A port of EPICS is published under another number. */
  readonly 'port-renumbered': SettingSource & {
    readonly service?: string;
    readonly inside: number;
    /** Absent: whatever is free. */
    readonly here?: number;
  };
  /** A port is published, and the server was told to listen on another. */
  readonly 'port-not-listening': SettingFacts & {
    readonly service?: string;
    readonly published: number;
    readonly listens: number;
  };
  /** Settings of VS Code at a place where it does not look. */
  readonly 'settings-ignored': SettingSource;
  /** A file that is no YAML or JSON. */
  readonly 'file-not-read': SettingSource & { readonly reason: string };

  // What is exposed.
  /** The background process is of another version than this program, and works with it. */
  readonly 'broker-differs': { readonly version: string; readonly own: string };
  /** Front ends want different searches answered; the widest counts for all. */
  readonly 'searches-differ': {
    readonly modes: readonly SearchMode[];
    readonly widest: SearchMode;
  };
  /** One front end wants clients told the containers' own addresses, another one relays. */
  readonly 'answers-differ': object;
  /** A problem of an engine, container, IOC, server or this machine. */
  readonly problem: {
    readonly problem: Problem;
    readonly container?: string;
    readonly ioc?: string;
  };
  /** An engine was waited for, and has not answered yet. */
  readonly 'engine-unanswered': { readonly uri: string };
  /** A server was waited for, and has not answered yet. */
  readonly 'server-unanswered': { readonly container: string; readonly port: number };
  /** An IOC runs in a container of another user, whose engine is not looked at. */
  readonly 'foreign-ioc': ForeignIoc & {
    /** How many there are beside it. */
    readonly others: number;
  };
  /** What a server does with PVs that are there. */
  readonly 'server-note': { readonly note: Note; readonly container: string; readonly ioc: string };
  /** Two IOCs serve PVs of the same names. */
  readonly duplicates: DuplicatePvs;

  // One PV.
  /** No IOC that is exposed here has it. */
  readonly 'no-such-pv': {
    readonly pv: string;
    readonly similar: readonly SimilarPv[];
    /** One may have it all the same. */
    readonly isListIncomplete: boolean;
  };
  /** The IOC that had it has ended some minutes ago. */
  readonly 'pv-ended': { readonly pv: string; readonly ioc: IocPlace };
  /** The database file of an IOC has it, and the IOC has not: it did not load it. */
  readonly 'not-loaded': { readonly pv: string; readonly place: RecordPlace };
  /** Servers were asked for it, and have not answered. */
  readonly 'pv-not-answered': { readonly pv: string };
  /** It is served, but not over the protocol that was asked for. */
  readonly 'other-protocol': { readonly pv: string; readonly protocol: PvProtocol };
  /** Its server has it; reading failed. */
  readonly 'pv-not-read': {
    readonly pv: string;
    readonly protocol: PvProtocol;
    readonly ioc: string;
    readonly problem: Problem;
  };
  /** It is readable and has no valid value yet: its record was never processed. */
  readonly 'pv-undefined': {
    readonly pv: string;
    readonly ioc: string;
    readonly reading: PvReading;
  };
}

/** An IOC in a container of another user of this machine. */
export interface ForeignIoc {
  readonly pid: number;
  readonly program: string;
  /** Name, or number, of the user as whom its engine runs. */
  readonly user: string;
  readonly uid: number;
  readonly engine: 'docker' | 'podman';
}

/** What may be written in place of an entry. */
interface Instead {
  /** Our name server. */
  readonly ours?: Endpoint;
  /** A gateway for that protocol, the only one there is, and where it is on this machine. */
  readonly gateway?: { readonly name: string; readonly at: Endpoint };
}

/** Who answers at a port where nobody answers in the protocol that is wanted. */
interface Answered {
  /** Absent: nobody listens there. */
  readonly answered?: { readonly protocol: PvProtocol; readonly wanted: PvProtocol };
}

interface SettingFacts extends SettingSource {
  /** EPICS_CA_NAME_SERVERS, or the preference of Phoebus for it. */
  readonly variable: string;
  /** Who has it; absent: any client. */
  readonly client?: string;
}

/** The code of a finding; part of `doctor --json`. */
export type FindingCode = keyof FindingFacts;

/** Something that keeps clients from PVs, or may. */
export type Finding = {
  [C in FindingCode]: {
    readonly code: C;
    /** It is worth knowing, and keeps nobody from a PV now. */
    readonly isNote?: boolean;
  } & FindingFacts[C];
}[FindingCode];
