/** What VS Code loads into its extension host: hovers over files, with a real IOC behind them. */
import { runSuite } from './runSuite';

export const run = (): Promise<void> => runSuite(() => import('./hovers'));
