/**
 * The ids of everything package.json contributes, each once; test/unit/ui/contributions.test.ts
 * holds the two together.
 */

export const COMMANDS = {
  expose: 'epicsExpose.expose',
  stop: 'epicsExpose.stop',
  refresh: 'epicsExpose.refresh',
  filter: 'epicsExpose.filter',
  clearFilter: 'epicsExpose.clearFilter',
  revealPv: 'epicsExpose.revealPv',
  monitorPv: 'epicsExpose.monitorPv',
  copyPvName: 'epicsExpose.copyPvName',
  copyClientLine: 'epicsExpose.copyClientLine',
  copyEnvironment: 'epicsExpose.copyEnvironment',
  openHostTerminal: 'epicsExpose.openHostTerminal',
  startPhoebus: 'epicsExpose.startPhoebus',
  showLog: 'epicsExpose.showLog',
  openSettings: 'epicsExpose.openSettings',
  restartBroker: 'epicsExpose.restartBroker',
  installLocally: 'epicsExpose.installLocally',
} as const;
export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];

/** The part of settings' names after `epicsExpose.`. */
export const SETTINGS_SECTION = 'epicsExpose';
export const SETTINGS = {
  autoExpose: 'autoExpose',
  engine: 'engine',
  pvNames: 'pvNames',
  search: 'search',
  terminalEnvironment: 'terminalEnvironment',
  phoebus: 'phoebus',
} as const;

export const CONTEXT_KEYS = {
  /** Whether this window asked for its PVs. */
  isExposing: 'epicsExpose.isExposing',
  /** A ViewState (model/viewState.ts). */
  situation: 'epicsExpose.situation',
  isFiltered: 'epicsExpose.isFiltered',
  /** Whether the extension runs in the container itself. */
  isInside: 'epicsExpose.isInside',
  hasPhoebus: 'epicsExpose.hasPhoebus',
} as const;

export const VIEW_CONTAINER = 'epics';
export const PVS_VIEW = 'epicsExpose.pvs';
export const HOST_TERMINAL_PROFILE = 'epicsExpose.hostTerminal';
export const WALKTHROUGH = 'epicsExpose.start';
