/** What VS Code loads into its extension host: the extension with the demonstration as its engine. */
import { runSuite } from './runSuite';

export const run = (): Promise<void> => runSuite(() => import('./extension'));
