import type { PvProtocol } from '../model/snapshot';

/** A command or program line for one client. */
export interface ClientLine {
  readonly client: string;
  readonly line: string;
}

/**
 * Lines that read a PV with the usual clients of the protocol, ready to paste; the commonest client
 * first.
 */
export function clientLines(name: string, protocol: PvProtocol): ClientLine[] {
  const word = shellWord(name);
  const text = JSON.stringify(name);
  if (protocol === 'ca') {
    return [
      { client: 'caget', line: `caget ${word}` },
      { client: 'camonitor', line: `camonitor ${word}` },
      { client: 'epics-expose', line: `epics-expose get ${shellWord(`ca://${name}`)}` },
      { client: 'Python, pyepics', line: `import epics; print(epics.caget(${text}))` },
      {
        client: 'Python, aioca',
        line: `import asyncio, aioca; print(asyncio.run(aioca.caget(${text})))`,
      },
    ];
  }
  return [
    { client: 'pvxget', line: `pvxget ${word}` },
    { client: 'pvget', line: `pvget ${word}` },
    { client: 'pvxmonitor', line: `pvxmonitor ${word}` },
    { client: 'epics-expose', line: `epics-expose get ${shellWord(`pva://${name}`)}` },
    {
      client: 'Python, p4p',
      line: `from p4p.client.thread import Context; print(Context('pva').get(${text}))`,
    },
  ];
}

/** Quotes a text if a POSIX shell would read it as more than a word. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
