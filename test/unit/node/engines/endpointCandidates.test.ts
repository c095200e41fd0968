import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  type CandidateSources,
  listCandidates,
  wellKnownTargets,
} from '../../../../src/node/engines/endpointCandidates';

const id = (name: string): string => createHash('sha256').update(name).digest('hex');

/** A home with these files; folders follow from their names. */
function sources(
  env: Record<string, string>,
  files: Record<string, string> = {},
  platform = 'linux',
): CandidateSources {
  return {
    env,
    platform,
    home: '/home/ioc',
    uid: 1000,
    files: {
      folder: '/home/ioc/.docker',
      readText: (path) => files[path],
      listFolder: (path) => [
        ...new Set(
          Object.keys(files)
            .filter((name) => name.startsWith(`${path}/`))
            .map((name) => name.slice(path.length + 1).split('/')[0] ?? ''),
        ),
      ],
    },
  };
}

function context(name: string, host: string, extra: object = {}): [string, string] {
  const content = { Name: name, Endpoints: { docker: { Host: host, ...extra } } };
  return [`/home/ioc/.docker/contexts/meta/${id(name)}/meta.json`, JSON.stringify(content)];
}

const contexts = Object.fromEntries([
  context('colima', 'unix:///home/ioc/.colima/x/docker.sock'),
  context('far', 'ssh://far'),
  context('tls', 'tcp://tls:2376', { SkipTLSVerify: false }),
  [`/home/ioc/.docker/contexts/tls/${id('tls')}/docker/ca.pem`, 'PEM'],
  [`/home/ioc/.docker/contexts/tls/${id('tls')}/docker/key.pem`, 'PEM'],
  ['/home/ioc/.docker/contexts/meta/broken/meta.json', '{'],
  context('odd', 'gopher://x'),
]);

const uris = (asked: string[] | undefined, from: CandidateSources, all = false): string[] =>
  listCandidates(asked, from)
    .filter(({ isAskedFor, origin }) => all || isAskedFor || origin.startsWith('context'))
    .map(({ target, isAskedFor }) => `${target.uri}${isAskedFor ? ' asked' : ''}`);

describe('endpoint candidates', () => {
  it('are those that were asked for and no other', () => {
    const env = { DOCKER_HOST: 'tcp://elsewhere:1' };
    assert.deepEqual(uris(['ssh://a', '/run/b.sock', 'ssh://a'], sources(env), true), [
      'ssh://a asked',
      'unix:///run/b.sock asked',
    ]);
    assert.deepEqual(uris(['far', 'podman'], sources({}, contexts), true), [
      'ssh://far asked',
      'podman-service: asked',
    ]);
    assert.throws(() => listCandidates(['fra'], sources({}, contexts)), { code: 'usage' });
  });

  it('begin with the one that Docker itself would take', () => {
    const local = 'unix:///home/ioc/.colima/x/docker.sock';
    const config = { ...contexts, '/home/ioc/.docker/config.json': '{"currentContext":"far"}' };
    assert.deepEqual(uris(undefined, sources({}, config)), ['ssh://far asked', local]);
    assert.deepEqual(uris(undefined, sources({ DOCKER_CONTEXT: 'colima' }, config)), [
      `${local} asked`,
    ]);
    const env = { DOCKER_HOST: 'tcp://h:1', DOCKER_CONTEXT: 'colima' };
    assert.deepEqual(uris(undefined, sources(env, config)), ['tcp://h:1 asked', local]);
    assert.deepEqual(uris(undefined, sources({ DOCKER_CONTEXT: 'default' }, config)), [local]);
    assert.throws(
      () => uris(undefined, sources({ DOCKER_CONTEXT: 'nope' }, config)),
      /DOCKER_CONTEXT: there is no Docker context "nope"/,
    );
    assert.deepEqual(uris(['default'], sources({}, config)), ['unix:///var/run/docker.sock asked']);
    assert.deepEqual(uris(['default'], sources({ DOCKER_HOST: 'tcp://h:1' }, config)), [
      'tcp://h:1 asked',
    ]);
  });

  it('never log in to a place that nobody chose', () => {
    const found = uris(undefined, sources({}, contexts), true).join();
    assert.doesNotMatch(found, /ssh|tcp/);
  });

  it('say which variable makes no sense', () => {
    for (const variable of ['DOCKER_HOST', 'CONTAINER_HOST']) {
      const odd = sources({ [variable]: 'nonsense' });
      assert.throws(() => listCandidates(undefined, odd), {
        code: 'usage',
        message: new RegExp(`^${variable}: .*nonsense`),
      });
    }
  });

  it('take Podman’s own address as well', () => {
    const env = { CONTAINER_HOST: 'ssh://core@vm/run/p.sock', CONTAINER_SSHKEY: '/key' };
    const [first] = listCandidates(undefined, sources(env));
    assert.deepEqual(first?.target, {
      kind: 'ssh',
      uri: 'ssh://core@vm/run/p.sock',
      host: 'vm',
      user: 'core',
      remotePath: '/run/p.sock',
      identityFile: '/key',
    });
  });

  it('use the TLS files that the environment or the context names', () => {
    const env = { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
    const [first] = listCandidates(undefined, sources(env));
    const named = { ca: '/certs/ca.pem', cert: '/certs/cert.pem', key: '/certs/key.pem' };
    assert.deepEqual(first?.target.kind === 'tcp' && first.target.tls, named);
    const [asked] = listCandidates(['tls'], sources({}, contexts));
    const folder = `/home/ioc/.docker/contexts/tls/${id('tls')}/docker`;
    assert.deepEqual(asked?.target.kind === 'tcp' && asked.target.tls, {
      ca: `${folder}/ca.pem`,
      key: `${folder}/key.pem`,
      isServerUnverified: false,
    });
  });

  it('end with the usual places of the platform', () => {
    const places = (platform: string, env: Record<string, string> = {}): string[] =>
      wellKnownTargets(sources(env, {}, platform)).map(({ uri }) => uri);
    const linux = places('linux');
    assert.equal(linux[0], 'unix:///var/run/docker.sock');
    for (const path of [
      '/run/user/1000/docker.sock',
      '/run/user/1000/podman/podman.sock',
      '/run/podman/podman.sock',
      '/home/ioc/.docker/desktop/docker.sock',
      '/home/ioc/.rd/docker.sock',
    ]) {
      assert.ok(linux.includes(`unix://${path}`), path);
    }
    assert.ok(places('linux', { XDG_RUNTIME_DIR: '/x' }).includes('unix:///x/podman/podman.sock'));
    assert.ok(
      places('darwin', { TMPDIR: '/var/t/' }).includes(
        'unix:///var/t/podman/podman-machine-default-api.sock',
      ),
    );
    assert.deepEqual(places('win32').slice(0, 1), ['npipe:////./pipe/docker_engine']);
    const origins = (platform: string): string | undefined =>
      listCandidates(undefined, sources({}, {}, platform)).at(-1)?.target.kind;
    assert.equal(origins('linux'), 'podman-service');
    assert.notEqual(origins('darwin'), 'podman-service');
  });
});
