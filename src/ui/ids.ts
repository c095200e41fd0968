/**
 * The ids of everything that package.json contributes, each once.
 * test/unit/ui/contributions.test.ts keeps both in step.
 */

/** Ids of the commands. */
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
/** One of COMMANDS. */
export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];

/** The prefix of the settings' names, without its dot. */
export const SETTINGS_SECTION = 'epicsExpose';
/** Names of the settings, after the prefix. */
export const SETTINGS = {
  autoExpose: 'autoExpose',
  engine: 'engine',
  pvNames: 'pvNames',
  search: 'search',
  terminalEnvironment: 'terminalEnvironment',
  phoebus: 'phoebus',
} as const;

/** Context keys for menus and welcome texts. */
export const CONTEXT_KEYS = {
  /** Whether this window exposes its PVs. */
  isExposing: 'epicsExpose.isExposing',
  /** A ViewState (present/viewState.ts). */
  situation: 'epicsExpose.situation',
  isFiltered: 'epicsExpose.isFiltered',
  /** Whether the extension runs in the container itself. */
  isInside: 'epicsExpose.isInside',
  hasPhoebus: 'epicsExpose.hasPhoebus',
} as const;

/** Id of the view container. */
export const VIEW_CONTAINER = 'epics';
/** Id of the view PVs. */
export const PVS_VIEW = 'epicsExpose.pvs';
/** Id of the terminal profile. */
export const HOST_TERMINAL_PROFILE = 'epicsExpose.hostTerminal';
/** Id of the walkthrough. */
export const WALKTHROUGH = 'epicsExpose.start';
