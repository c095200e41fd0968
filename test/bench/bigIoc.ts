/** Real IOCs with as many records as one likes, in containers. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runIoc, type ContainerOptions, type LabContainer } from '../support/lab/container';
import type { LabEngine } from '../support/lab/engine';

export interface DatabaseIoc {
  readonly container: LabContainer;
  remove(): Promise<void>;
}

export interface BigIoc extends DatabaseIoc {
  /** The names are this and a number from 0. */
  readonly prefix: string;
  readonly count: number;
}

/** An IOC with the records of a text. */
export async function runDatabase(
  engine: LabEngine,
  text: string,
  options: ContainerOptions,
): Promise<DatabaseIoc> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-bench-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'bench.db'), text);
  try {
    const container = await runIoc(engine, {
      ...{ db: ['/bench/bench.db'], binds: [`${folder}:/bench:ro`] },
      ...options,
    });
    return {
      container,
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

/** `label` is part of its name and of those of its PVs: for several that are as big. */
export async function runBigIoc(
  engine: LabEngine,
  count: number,
  label = String(count),
): Promise<BigIoc> {
  const prefix = `BENCH${label}:`;
  const records = Array.from(
    { length: count },
    (_, index) => `record(ai, "${prefix}${index}") {}\n`,
  );
  const ioc = await runDatabase(engine, records.join(''), { name: `bench-${label}` });
  return { ...ioc, prefix, count };
}
