/** Bundles the programs: the extension, the broker, the command, the agent that runs in containers. */
import { build, context } from 'esbuild';
import { copyFileSync, cpSync, existsSync, mkdirSync, watchFile } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Parts of dockerode that we never call: ssh:// uses the system's ssh, and we build no images. They are two
 * thirds of its bytes, and the only ones with native modules.
 */
const leftOut = {
  name: 'left out',
  setup({ onResolve, onLoad }) {
    const packages = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs)$/;
    onResolve({ filter: packages }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** `vscode` is not external, so a bundle that imports it does not build; nor is any native module. */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  plugins: [leftOut],
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

/** Not bundled: copied next to the bundles. */
const PYTHON_AGENT = 'src/agent/agent.py';
/** Starts the command in terminals of VS Code. */
const LAUNCHER = 'src/cli/launcher';

const programs = {
  // Handed to containers as one argument, and to whatever Node they have.
  agent: {
    entryPoints: ['src/agent/agent.ts'],
    minify: true,
    sourcemap: false,
    target: 'node14',
  },
  broker: { entryPoints: ['src/broker/main.ts'] },
  carrier: { entryPoints: ['src/carrier/main.ts'] },
  cli: { entryPoints: ['src/cli/main.ts'], banner: { js: '#!/usr/bin/env node' } },
  extension: { entryPoints: ['src/extension.ts'], external: ['vscode'] },
  // In a webview; its style becomes plot.css beside it.
  plot: {
    entryPoints: ['src/webview/plot.ts'],
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  },
};

/** Bundles these programs into a folder; returns the source files that went into them. */
export async function bundle({ names = Object.keys(programs), folder = 'dist', isProduction }) {
  const results = await Promise.all(
    optionsOf({ names, folder, isProduction }).map((options) => build(options)),
  );
  return new Set(results.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
}

/** Bundles each program again whenever one of its files changes, until interrupted. */
async function watch() {
  const names = Object.keys(programs);
  for (const options of optionsOf({ names, folder: 'dist', isProduction: false })) {
    const watched = await context({ ...options, logLevel: 'info' });
    await watched.watch();
  }
  watchFile(PYTHON_AGENT, { interval: 500 }, () => copyPythonAgent('dist'));
}

function copyPythonAgent(folder) {
  copyFileSync(PYTHON_AGENT, `${folder}/agent.py`);
}

function optionsOf({ names, folder, isProduction }) {
  mkdirSync(folder, { recursive: true });
  copyPythonAgent(folder);
  cpSync(LAUNCHER, `${folder}/bin`, { recursive: true });
  return names
    .map((name) => ({
      ...common,
      minify: isProduction,
      sourcemap: !isProduction,
      ...programs[name],
      outfile: `${folder}/${name}.js`,
    }))
    .filter((options) => existsSync(options.entryPoints[0]));
}

/** All programs, or the named ones: `node esbuild.mjs agent`; `--watch`, `--production`. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const names = words.filter((word) => !word.startsWith('--'));
  const isProduction = words.includes('--production');
  if (words.includes('--watch')) await watch();
  else await bundle({ ...(names.length > 0 && { names }), isProduction });
}
