import { hostname, userInfo } from 'node:os';

/** Who we claim to be to servers, which do not verify it. */
export function clientIdentity(): { clientName: string; hostName: string } {
  return { clientName: userName(), hostName: hostname() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without a passwd entry, as in many containers.
    return 'epics-expose';
  }
}
