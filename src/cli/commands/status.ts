/** `epics-expose status`: shows what there is, once, without relaying anything. */
import type { Snapshot } from '../../model/snapshot';
import { clientEnvironment } from '../../present/clientEnvironment';
import { healthOf, isEndedWithoutIoc } from '../../present/table';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import { renderReport } from '../renderTable';
import { snapshotJson } from '../snapshotJson';
import type { Terminal } from '../terminal';
import type { Opened } from '../openExposure';
import { SOMETHING_TO_SHOW } from '../untilSettled';
import { emptyExit, reportDemo, reportUnsettled, withLook, wordsFor } from '../withLook';

/** Runs the command; resolves to its exit code. */
export function runStatus(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const show = (opened: Opened): number => {
    const { snapshot } = opened;
    if (options.json === true) {
      const environment = clientEnvironment(opened.nameServers);
      terminal.printJson(snapshotJson(snapshot, environment), 2);
    }
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    reportDemo(opened, terminal);
    if (options.json !== true) {
      const words = wordsFor(opened);
      for (const line of renderReport(snapshot, terminal, opened.nameServers, words))
        terminal.print(line);
    }
    reportUnsettled(opened, terminal);
    return isAllGood(snapshot) ? EXIT.ok : EXIT.unreachable;
  };
  // Scripts want all of it.
  const enough = options.json === true ? {} : { enough: SOMETHING_TO_SHOW };
  return withLook(options, terminal, signal, 'look', show, enough);
}

function isAllGood(snapshot: Snapshot): boolean {
  return snapshot.containers.every(
    (container) =>
      !isEndedWithoutIoc(container) &&
      container.iocs.every(
        (ioc) =>
          !ioc.problem &&
          ioc.servers.every((server) => healthOf(container, ioc, server) === 'good'),
      ),
  );
}
