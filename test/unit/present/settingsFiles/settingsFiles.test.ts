/* eslint no-template-curly-in-string: off -- variables of devcontainers look like placeholders */
import assert from 'node:assert/strict';
import { checkWorkspace } from '../../../../src/model/diagnosis/workspaceSettings';
import { findingText } from '../../../../src/present/findingText';
import { TERMINAL_WORDS } from '../../../../src/present/frontEndWords';
import {
  parseCompose,
  parseDevcontainer,
} from '../../../../src/present/settingsFiles/settingsFiles';

const told = (file: ReturnType<typeof parseCompose>): string[] =>
  checkWorkspace([file]).map((finding) => {
    const { message, advice } = findingText(finding, TERMINAL_WORDS);
    return `${finding.isNote === true ? 'note: ' : ''}${message} -> ${advice}`;
  });
const devcontainer = (text: string): string[] => told(parseDevcontainer(text, 'd.json'));
const compose = (text: string): string[] => told(parseCompose(text, 'c.yml'));

describe('a devcontainer.json', () => {
  it('is examined with its comments, tabs and last commas', () => {
    const text = [
      '// the IOC',
      '{',
      '\t"image": "ioc//5064", /* not',
      '\ta comment */',
      '\t"containerEnv": {',
      '\t\t"EPICS_CA_ADDR_LIST": "127.0.0.1,10.0.0.1",',
      '\t\t"EPICS_PVA_NAME_SERVERS": "127.0.0.1:5076",',
      '\t\t"EPICS_CA_NAME_SERVERS": "${localEnv:HERE},x",',
      '\t},',
      '\t"forwardPorts": [5064, "ioc:5076", 8080],',
      '\t"appPort": ["8075:5075", 5065, 3000,],',
      '\t"customizations": { "settings": { "remote.autoForwardPorts": true } },',
      '}',
    ].join('\n');
    const expected = [
      'd.json:6: EPICS_CA_ADDR_LIST="127.0.0.1,10.0.0.1": entries are separated by blanks; clients ignore this one -> Write EPICS_CA_ADDR_LIST="127.0.0.1 10.0.0.1".',
      'd.json:7: 127.0.0.1:5076 in EPICS_PVA_NAME_SERVERS: 5076 is the UDP search port; name servers are TCP: 5075 -> Write 127.0.0.1:5075 instead.',
      'note: d.json:10: forwardPorts has 5064: VS Code forwards it under another number if it is taken, and clients need the same one -> Remove it: epics-expose carries the ports of IOCs itself.',
      'note: d.json:10: forwardPorts has 5076: only datagrams go there, and VS Code forwards none -> Remove it: epics-expose carries the ports of IOCs itself.',
      'note: d.json:11: port 5075 is published as 8075: clients need the same number -> Publish 127.0.0.1:5075:5075, or none: epics-expose needs no published port.',
      'note: d.json:12: VS Code does not read customizations.settings -> Move them to customizations.vscode.settings.',
    ];
    assert.deepEqual(devcontainer(text), expected);
    assert.deepEqual(devcontainer(text.replaceAll('\n', '\r\n')), expected);
  });

  it('may have settings of other things, and files of compose', () => {
    const text =
      '{ "customizations": { "settings": { "python.x": 1 } }, "dockerComposeFile": "../c.yml" }';
    assert.deepEqual(devcontainer(text), []);
    assert.deepEqual(parseDevcontainer(text, 'd').includes, ['../c.yml']);
    assert.deepEqual(parseDevcontainer('{"dockerComposeFile": ["a", "b"]}', 'd').includes, [
      'a',
      'b',
    ]);
  });
});

describe('a file of compose', () => {
  it('is examined service by service, with what is merged into it', () => {
    const text = [
      'x-common: &common',
      '  environment: &environment',
      '    EPICS_CA_ADDR_LIST: "a,b"',
      'services:',
      '  one:',
      '    <<: *common',
      '    ports:',
      '      - 8064:5064',
      '      - "127.0.0.1:5064-5065:5064-5065/udp"',
      '      - target: 5075',
      '        published: "5085"',
      '      - 5076',
      '      - "${PORT}:5064"',
      '  two:',
      '    environment:',
      '      <<: *environment',
      '      EPICS_CA_ADDR_LIST: 10.0.0.1',
      '    ports: [80]',
      '  three:',
      '    environment: [EPICS_CA_SERVER_PORT=6064, "EPICS_PVA_ADDR_LIST=${X}"]',
      '    ports: ["5064:5064", "5075:5075"]',
      '  four:',
      '    environment: { EPICS_CAS_SERVER_PORT: 6064 }',
      '    ports: ["6164:6064"]',
    ].join('\n');
    const publish = (port: number): string =>
      `-> Publish 127.0.0.1:${port}:${port}, or none: epics-expose needs no published port.`;
    assert.deepEqual(compose(text), [
      'c.yml:3: EPICS_CA_ADDR_LIST="a,b": entries are separated by blanks; clients ignore this one -> Write EPICS_CA_ADDR_LIST="a b".',
      `note: c.yml:8: one: port 5064 is published as 8064: clients need the same number ${publish(5064)}`,
      `note: c.yml:10: one: port 5075 is published as 5085: clients need the same number ${publish(5075)}`,
      `note: c.yml:12: one: port 5076 is published as any that is free: clients need the same number ${publish(5076)}`,
      `note: c.yml:21: three: port 5064 is published, but its server listens on 6064 (EPICS_CA_SERVER_PORT) ${publish(6064)}`,
      `note: c.yml:24: four: port 6064 is published as 6164: clients need the same number ${publish(6064)}`,
    ]);
  });

  it('names those that it includes', () => {
    const text = 'include:\n - a/compose.yml\n - path: [b.yml, c.yml]\n - path: d.yml\n';
    assert.deepEqual(parseCompose(text, 'f').includes, [
      'a/compose.yml',
      'b.yml',
      'c.yml',
      'd.yml',
    ]);
  });

  it('is called unreadable where it is, and says nothing else', () => {
    const [note] = compose('services:\n  a: [1\nb: {');
    assert.match(note ?? '', /^note: c\.yml:3: it cannot be read: .* -> Correct it\.$/);
    for (const text of [
      '',
      '- a',
      'services: 1',
      'services: { a: 1, b: [] }',
      '"x"',
      '\0\u0001',
      'a: *b',
    ]) {
      assert.ok(
        compose(text).every((line) => line.startsWith('note: ')),
        text,
      );
    }
  });

  it('costs no more than it is, however it is nested or merged', () => {
    const merged = Array.from(
      { length: 30 },
      (_, at) => `a${at + 1}: &a${at + 1} { <<: [*a${at}, *a${at}, *a${at}, *a${at}] }`,
    );
    const text = `a0: &a0 { x: 1 }\n${merged.join('\n')}\nservices: { s: *a30 }\n`;
    assert.deepEqual(compose(text), []);
    assert.deepEqual(compose('['.repeat(250_000)), [
      'note: c.yml: it cannot be read: it is nested too deeply -> Correct it.',
    ]);
    const keys = Array.from({ length: 30_000 }, (_, at) => `k${at}: 1`);
    assert.deepEqual(compose(keys.join('\n')), []);
    assert.deepEqual(compose(`services: { s: { ports: ["1-65535:1-65535"] } }`), []);
  });

  it('may name one long list of ports again and again', () => {
    const ports = Array.from({ length: 1000 }, () => '"5000-5100"').join(', ');
    const services = Array.from({ length: 200 }, (_, at) => `  s${at}: { ports: *p }`).join('\n');
    const { containers } = parseCompose(`x: &p [${ports}]\nservices:\n${services}\n`, 'c.yml');
    const count = containers.reduce((sum, one) => sum + one.ports.length, 0);
    assert.ok(count > 100 && count <= 20_000, `${count}`);
  });

  it('may have a text that never ends', () => {
    const text = `{ "a": "${'\\"'.repeat(120_000)}`;
    assert.match(devcontainer(text).join(), /it cannot be read/);
  });
});
