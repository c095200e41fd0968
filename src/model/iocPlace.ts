/** Which IOC, in words. */
export interface IocPlace {
  readonly iocName: string;
  readonly containerName: string;
}

/** A PV with a name like another one. */
export interface SimilarPv extends IocPlace {
  readonly name: string;
}
