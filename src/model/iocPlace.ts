/** Which IOC, in words. */
export interface IocPlace {
  readonly iocName: string;
  readonly containerName: string;
}

/** Where the database files of an IOC have a record, as they are now. */
export interface RecordPlace extends IocPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** A PV with a name like another one. */
export interface SimilarPv extends IocPlace {
  readonly name: string;
}
