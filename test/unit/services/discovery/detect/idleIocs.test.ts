import assert from 'node:assert/strict';
import {
  interfacesRefused,
  isForIoc,
  lastErrorLine,
  lastLines,
} from '../../../../../src/services/discovery/detect/idleIocs';
import { parseLog } from '../../../../../src/node/engines/parseLog';

describe('the last error line of a log', () => {
  for (const [title, log, line] of [
    ['the last line about an error', 'Error: a\nok\nFailed to load b\nbye\n', 'Failed to load b'],
    ['the last line, where none is', 'one\ntwo\n\n', 'two'],
    ['without prompts and colours', '\u001b[31;1mERROR\u001b[0m: x\r\nepics> \n', 'ERROR: x'],
    ['cut', `error ${'x'.repeat(1000)}`, `error ${'x'.repeat(194)}...`],
    ['nothing', '\n---\n', undefined],
  ] as const) {
    it(title, () => assert.equal(lastErrorLine(log), line));
  }
});

describe('the end of a log', () => {
  it('has no colours, no empty lines, and no long ones', () => {
    assert.deepEqual(lastLines('\u001b[31;1mERROR\u001b[0m: x\r\n\n  y\n'), ['ERROR: x', '  y']);
    assert.equal(lastLines('x\n'.repeat(500)).length, 20);
    assert.equal(lastLines('x'.repeat(500))[0]?.length, 203);
  });
});

describe('addresses on which an IOC cannot listen', () => {
  // Of rsrv of EPICS 7.0.10, and of PVXS 1.5.3.
  const rsrv = 'Skipping 10.9.9.9:5064 which is not an interface address\nError: RSRV has empty';
  const pvxs = 'ERR pvxs.tcp.setup Bind to 10.9.9.9:5075 fails with 99';

  it('are in its environment and in its log', () => {
    const ca = { EPICS_CAS_INTF_ADDR_LIST: '10.9.9.9' };
    assert.deepEqual(interfacesRefused(rsrv, ca), {
      variable: 'EPICS_CAS_INTF_ADDR_LIST',
      value: '10.9.9.9',
    });
    const pva = { EPICS_PVAS_INTF_ADDR_LIST: '10.9.9.9:5075' };
    assert.equal(interfacesRefused(pvxs, pva)?.variable, 'EPICS_PVAS_INTF_ADDR_LIST');
    assert.equal(interfacesRefused('', ca), undefined);
    assert.equal(interfacesRefused(rsrv, {}), undefined);
    assert.equal(interfacesRefused(rsrv, { EPICS_CAS_INTF_ADDR_LIST: '10.9.9.1' }), undefined);
  });
});

describe('a log of an engine', () => {
  const piece = (stream: number, text: string): Buffer => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  it('is joined from the pieces of both streams', () => {
    assert.equal(parseLog(Buffer.concat([piece(1, 'a\n'), piece(2, '\u00b5\n')])), 'a\n\u00b5\n');
  });
  it('is text as it is, of a container with a tty', () => {
    assert.equal(parseLog(Buffer.from('epics> \r\n')), 'epics> \r\n');
  });
  it('that ends within a piece, or lies about its length, is as much as is there', () => {
    assert.equal(parseLog(piece(1, 'abcdef').subarray(0, 11)), 'abc');
    assert.equal(parseLog(Buffer.from([1, 0, 0, 0, 255, 255, 255, 255, 65])), 'A');
    assert.equal(parseLog(new Uint8Array()), '');
  });
});

describe('whether a container is for an IOC', () => {
  const named = { IOC: '/epics/ioc' };
  for (const [command, environment, is] of [
    [['bash', '/epics/ioc/start.sh'], named, true],
    [['softIoc', '-d', 'a.db'], {}, true],
    [['/opt/app', 'st.cmd'], {}, true],
    [['sleep', 'infinity'], named, false],
    [['bash', 'start.sh'], {}, false],
    [['postgres'], {}, false],
  ] as const) {
    it(`${command.join(' ')}: ${is}`, () => assert.equal(isForIoc({ command, environment }), is));
  }
});
