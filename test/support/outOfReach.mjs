/** The files of src that need more than unit and loopback have, each with what runs them instead. */
export const OUT_OF_REACH = [
  {
    reason: 'calls VS Code in most of its lines; the vscode layer runs it',
    files: [
      'src/extension.ts',
      ...[
        ...['brokerLog', 'chooseContainers', 'commands', 'containerCommands', 'documentReferences'],
        ...['exposeAutomatically', 'hostServices', 'hostTerminal', 'keepEnvironmentFiles'],
        ...['keepTerminalVariables', 'logProblems', 'pickPv', 'plotPanels', 'pvCompletion'],
        ...['pvDrag', 'pvHover', 'recordDefinition', 'recordFiles', 'statusBar'],
        ...['syncContextKeys', 'unservedPvs', 'walkthroughSteps', 'watchCommands', 'whyView'],
        ...['windowPlace'],
      ].map((name) => `src/ui/${name}.ts`),
    ],
  },
  {
    reason: 'runs in the page of a panel; the vscode layer runs it',
    files: ['dom', 'legend', 'pictures', 'plot', 'savePng', 'timePlot'].map(
      (name) => `src/webview/${name}.ts`,
    ),
  },
  {
    // In loopback/agents.test.ts, too; but what is given to `node -e` V8 finds no file for.
    reason: 'is given to the Node of a container as text; interop and loopback run it',
    files: ['agent', 'connectInside', 'answerLook'].map((name) => `src/agent/${name}.ts`),
  },
  {
    reason: 'needs Docker or Podman, or sshd; the interop layer runs it',
    files: ['archiveFile', 'containerCalls', 'sshTunnel'].map(
      (name) => `src/node/engines/${name}.ts`,
    ),
  },
  {
    reason: 'needs a container to enter, or programs in it; the interop layer runs it',
    files: [
      ...['connectorDialer', 'enteredDialer', 'execAgent', 'insideSocketSource'],
      'readContainerFile',
    ].map((name) => `src/node/containers/${name}.ts`),
  },
];
