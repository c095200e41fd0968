/** The files of src that need more than unit and loopback have, each with what runs them instead. */
export const OUT_OF_REACH = [
  {
    reason: 'calls VS Code in most of its lines; the vscode layer runs it',
    files: [
      'src/extension.ts',
      ...[
        ...['brokerLog', 'commands', 'exposeAutomatically', 'hostServices', 'hostTerminal'],
        ...['keepEnvironmentFiles', 'keepTerminalVariables', 'logProblems', 'monitorPanel'],
        ...['pickPv', 'pvHover', 'statusBar', 'syncContextKeys', 'windowPlace'],
      ].map((name) => `src/ui/${name}.ts`),
    ],
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
