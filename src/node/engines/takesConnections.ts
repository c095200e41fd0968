import { connect } from 'node:net';

/**
 * Whether something listens on that socket (Unix). That its file is there does not say so: who has
 * made it may not listen yet.
 */
export function takesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
