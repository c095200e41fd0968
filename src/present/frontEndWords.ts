/**
 * What each front end calls its own options, settings and commands. A sentence that names one takes
 * it from here.
 */
export interface FrontEndWords {
  /** Follows "for details": where to read more. */
  readonly moreDetails: string;
  /** How the user names a container engine: an instruction without its full stop. */
  readonly nameEngine: string;
  /** How the user names PVs that nothing lists. */
  readonly namePvs: string;
  /** What to do about a PV name that the user gave and no IOC has. */
  readonly correctName: string;
  /** How to expose servers: an instruction without its full stop. */
  readonly expose: string;
  /** What clients are given so that they find PVs. */
  readonly clientEnvironment: string;
  /** How clients are set up for our name servers: an instruction without its full stop. */
  readonly clientSetUp: string;
  /** What tells what one client needs: a sentence without its full stop. */
  readonly oneClient: string;
  /** What reads a PV without a client. */
  readonly read: string;
  /** How searches that clients broadcast are answered, too: follows "see". */
  readonly searchMode: string;
  /** Where it is said which address clients are told. */
  readonly answerMode: string;
  /** How to end the background process. */
  readonly endBroker: string;
  /** The same where it does not answer. */
  readonly endSilentBroker: string;
  /** What that means for what is shown meanwhile, as the end of a sentence; '': nothing is. */
  readonly andShown: string;
  /** How to update this front end. */
  readonly update: string;
}

/** The words of the command line. */
export const TERMINAL_WORDS: FrontEndWords = {
  moreDetails: 'run again with --verbose',
  nameEngine: 'name the engine with --engine unix:///path, ssh://host or tcp://host:port',
  namePvs: 'name PVs yourself with --pv NAME',
  correctName: 'Check its spelling',
  expose: 'Run epics-expose and keep it running',
  clientEnvironment: 'the environment that `epics-expose env` prints',
  clientSetUp:
    'In this shell: eval "$(epics-expose env)"; or run the client by "epics-expose exec --"',
  oneClient: 'What one of them needs: epics-expose env --client NAME',
  read: '"epics-expose get"',
  searchMode: 'the option --search',
  answerMode: 'the option --answers',
  endBroker: '`epics-expose broker stop`',
  endSilentBroker: 'end it with "epics-expose broker stop"',
  andShown: '',
  update: 'Update epics-expose',
};

/** The words of VS Code. */
export const WINDOW_WORDS: FrontEndWords = {
  moreDetails: 'open the log with "EPICS: Show Log"',
  nameEngine: 'name the engine in the setting epicsExpose.engine',
  namePvs: 'name PVs that an IOC does not list in the setting epicsExpose.pvNames',
  correctName: 'Check its spelling, or remove it from the setting epicsExpose.pvNames',
  expose: 'Click Expose PVs',
  clientEnvironment: 'the variables that a new terminal of this window has',
  clientSetUp: 'Use a new terminal of this window, or "EPICS: Open Host Terminal"',
  oneClient: 'What one of them needs: "EPICS: Copy Environment for a Shell or Client..."',
  read: 'a hover here',
  searchMode: 'the setting epicsExpose.search',
  answerMode: 'the setting epicsExpose.answers',
  endBroker: '"EPICS: Restart Background Process"',
  endSilentBroker: 'use "EPICS: Restart Background Process"',
  andShown: ', and what is shown is from before',
  update: 'Update the extension',
};
