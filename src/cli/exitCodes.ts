/**
 * The exit codes of all commands; README's table repeats them. `exec` returns the code of its own
 * command.
 */
export const EXIT = {
  ok: 0,
  /** Something unexpected: a defect of ours. */
  internal: 1,
  /** A malformed option, an unknown container or shell. */
  usage: 2,
  /** No container engine could be reached. */
  noEngine: 3,
  /** No IOC, or no PV of that name, was found. */
  notFound: 4,
  /** Found, but not everything is reachable and readable. */
  unreachable: 5,
  /** `exec`: the command does not exist (as in a shell). */
  commandNotFound: 127,
} as const;
