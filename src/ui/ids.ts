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
  filterByState: 'epicsExpose.filterByState',
  clearFilter: 'epicsExpose.clearFilter',
  sortByName: 'epicsExpose.sortByName',
  sortBySeverity: 'epicsExpose.sortBySeverity',
  viewByRecord: 'epicsExpose.viewByRecord',
  viewByServer: 'epicsExpose.viewByServer',
  revealPv: 'epicsExpose.revealPv',
  monitorPv: 'epicsExpose.monitorPv',
  watchPv: 'epicsExpose.watchPv',
  watchSelection: 'epicsExpose.watchSelection',
  unwatchPv: 'epicsExpose.unwatchPv',
  moveWatchedUp: 'epicsExpose.moveWatchedUp',
  moveWatchedDown: 'epicsExpose.moveWatchedDown',
  plotPvs: 'epicsExpose.plotPvs',
  addToPlot: 'epicsExpose.addToPlot',
  plotWatched: 'epicsExpose.plotWatched',
  importWatched: 'epicsExpose.importWatched',
  exportWatched: 'epicsExpose.exportWatched',
  copyPvName: 'epicsExpose.copyPvName',
  copyClientLine: 'epicsExpose.copyClientLine',
  openRow: 'epicsExpose.openRow',
  why: 'epicsExpose.why',
  goToRecord: 'epicsExpose.goToRecord',
  openInPhoebus: 'epicsExpose.openInPhoebus',
  startEngine: 'epicsExpose.startEngine',
  permitEngine: 'epicsExpose.permitEngine',
  chooseContainers: 'epicsExpose.chooseContainers',
  leaveOutContainer: 'epicsExpose.leaveOutContainer',
  openContainerShell: 'epicsExpose.openContainerShell',
  showContainerLog: 'epicsExpose.showContainerLog',
  inspectContainer: 'epicsExpose.inspectContainer',
  restartContainer: 'epicsExpose.restartContainer',
  startContainer: 'epicsExpose.startContainer',
  unpauseContainer: 'epicsExpose.unpauseContainer',
  copyAddress: 'epicsExpose.copyAddress',
  copyEnvironment: 'epicsExpose.copyEnvironment',
  openHostTerminal: 'epicsExpose.openHostTerminal',
  startPhoebus: 'epicsExpose.startPhoebus',
  showLog: 'epicsExpose.showLog',
  report: 'epicsExpose.report',
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
  answers: 'answers',
  terminalEnvironment: 'terminalEnvironment',
  notify: 'notify',
  problems: 'problems',
  phoebus: 'phoebus',
} as const;

/** Context keys for menus and welcome texts. */
export const CONTEXT_KEYS = {
  /** Whether this window exposes its PVs. */
  isExposing: 'epicsExpose.isExposing',
  /** A ViewState (present/viewState.ts). */
  situation: 'epicsExpose.situation',
  isFiltered: 'epicsExpose.isFiltered',
  /** An Arrangement (present/pvTree.ts). */
  arrangement: 'epicsExpose.arrangement',
  /** A RowOrder (ui/pvsView.ts). */
  order: 'epicsExpose.order',
  /** Whether the extension runs in the container itself. */
  isInside: 'epicsExpose.isInside',
  hasPhoebus: 'epicsExpose.hasPhoebus',
  /** Steps of the walkthrough that have happened (ui/walkthroughSteps). */
  hasHovered: 'epicsExpose.hasHovered',
  hasHostTerminal: 'epicsExpose.hasHostTerminal',
  hasPlotted: 'epicsExpose.hasPlotted',
  /** Whether any PV is watched. */
  hasWatched: 'epicsExpose.hasWatched',
} as const;

/** Id of the view container. */
export const VIEW_CONTAINER = 'epics';
/** Id of the view PVs. */
export const PVS_VIEW = 'epicsExpose.pvs';
/** Id of the view Watch. */
export const WATCH_VIEW = 'epicsExpose.watch';
/** The variable that names the Node for the command (src/cli/launcher). */
export const COMMAND_NODE = 'EPICS_EXPOSE_NODE';
/** Id of the panels that plot PVs. */
export const PLOT_PANEL = 'epicsExpose.plot';
/** The variable that names the engine for the command (cli/options). */
export const COMMAND_ENGINE = 'EPICS_EXPOSE_ENGINE';
/** Id of the terminal profile. */
export const HOST_TERMINAL_PROFILE = 'epicsExpose.hostTerminal';
/** Id of the walkthrough. */
export const WALKTHROUGH = 'epicsExpose.start';
