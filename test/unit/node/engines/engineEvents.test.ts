import assert from 'node:assert/strict';
import { changedContainer, EngineEventReader } from '../../../../src/node/engines/engineEvents';
import { everySplit } from '../../../support/everySplit';

/** Lines of Docker 20.10.24 and Podman 4.3.1, ids shortened. */
const lines = {
  dockerConnect:
    '{"Type":"network","Action":"connect","Actor":{"ID":"3f12","Attributes":{"container":"6cb0","name":"bridge","type":"bridge"}},"scope":"local","time":1795477630}',
  dockerStart:
    '{"status":"start","id":"6cb0","from":"busybox-ioc:ec29","Type":"container","Action":"start","Actor":{"ID":"6cb0","Attributes":{"image":"busybox-ioc:ec29","name":"cap"}},"scope":"local","time":1795477630}',
  dockerExec:
    '{"status":"exec_start: true ","id":"6cb0","from":"busybox-ioc:ec29","Type":"container","Action":"exec_start: true ","Actor":{"ID":"6cb0","Attributes":{"execID":"0425","image":"busybox-ioc:ec29","name":"cap"}},"scope":"local"}',
  dockerImage:
    '{"status":"remove","id":"sha256:47ab","Type":"image","Action":"remove","Actor":{"ID":"sha256:47ab","Attributes":{}}}',
  podmanRemove:
    '{"status":"remove","id":"c144","from":"localhost/busybox-ioc:ec29","Type":"container","Action":"remove","Actor":{"ID":"c144","Attributes":{"containerExitCode":"0","image":"localhost/busybox-ioc:ec29","name":"cap","podId":""}},"scope":"local"}',
  podmanExec:
    '{"status":"exec_died","id":"c144","Type":"container","Action":"exec_died","Actor":{"ID":"c144","Attributes":{"name":"cap"}},"scope":"local"}',
};

describe('engine events', () => {
  it('count when the state of a container may have changed', () => {
    assert.equal(changedContainer(lines.dockerStart)?.id, '6cb0');
    assert.equal(changedContainer(lines.dockerConnect)?.id, '6cb0');
    assert.equal(changedContainer(lines.podmanRemove)?.id, 'c144');
    assert.equal(changedContainer(lines.dockerImage), undefined);
  });

  it('tell a container that was made just now from others', () => {
    const created = lines.dockerStart.replaceAll('"start"', '"create"');
    assert.deepEqual(changedContainer(created), { id: '6cb0', isCreated: true });
    assert.equal(changedContainer(lines.dockerStart)?.isCreated, false);
    const network = '{"Type":"network","Action":"create","Actor":{"ID":"3f12","Attributes":{}}}';
    assert.equal(changedContainer(network)?.isCreated, false);
  });

  it('do not count when they come from execs, such as our own', () => {
    assert.equal(changedContainer(lines.dockerExec), undefined);
    assert.equal(changedContainer(lines.podmanExec), undefined);
  });

  it('do not count when they make no sense', () => {
    for (const line of ['', '{', 'null', '7', '{"Action":7}', '{"Action":"start"}']) {
      assert.equal(changedContainer(line), undefined, line);
    }
  });

  it('are read however the stream is cut', () => {
    const bytes = new TextEncoder().encode(`${lines.dockerExec}\n${lines.podmanRemove}\r\n`);
    everySplit(bytes, (chunks, how, copies) => {
      const changed: string[] = [];
      const reader = new EngineEventReader((id) => changed.push(id));
      for (const chunk of chunks) reader.receive(chunk);
      assert.deepEqual(changed, Array<string>(copies).fill('c144'), how);
    });
  });

  it('may not be endless', () => {
    const reader = new EngineEventReader(() => undefined);
    const piece = new Uint8Array(700_000).fill(0x20);
    reader.receive(piece);
    assert.throws(() => reader.receive(piece), { code: 'remote-protocol' });
  });
});
