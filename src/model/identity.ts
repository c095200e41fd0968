/** Whose machine it is: what a report does not tell. */
export interface Identity {
  readonly user: string;
  readonly host: string;
  readonly home: string;
}
