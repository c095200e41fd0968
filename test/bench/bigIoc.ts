/** A real IOC with as many records as one likes, in a container. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runIoc, type LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';

export interface BigIoc {
  readonly container: LabContainer;
  /** The names are this and a number from 0. */
  readonly prefix: string;
  readonly count: number;
  remove(): Promise<void>;
}

export async function runBigIoc(engine: LabEngine, count: number): Promise<BigIoc> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-bench-'));
  chmodSync(folder, 0o755);
  const prefix = `BENCH${count}:`;
  const records = Array.from(
    { length: count },
    (_, index) => `record(ai, "${prefix}${index}") {}\n`,
  );
  writeFileSync(join(folder, 'big.db'), records.join(''));
  try {
    const container = await runIoc(engine, {
      db: ['/bench/big.db'],
      binds: [`${folder}:/bench:ro`],
      name: `bench-${count}`,
    });
    return {
      container,
      prefix,
      count,
      async remove() {
        await container.remove();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}
