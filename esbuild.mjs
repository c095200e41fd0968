/** Bundles what is run: the command, the agent that runs in containers, the demonstration. */
import { build } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';

const isProduction = process.argv.includes('--production');

/** `vscode` is not external: a bundle that reaches it does not build. */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['cpu-features', '*.node'],
  minify: isProduction,
  sourcemap: !isProduction,
  legalComments: 'none',
  logLevel: 'warning',
};

const programs = {
  // Handed to containers as one argument, and to whatever Node they have.
  agent: {
    entryPoints: ['src/agent/agent.ts'],
    minify: true,
    sourcemap: false,
    target: 'node14',
  },
  cli: { entryPoints: ['src/cli/main.ts'], banner: { js: '#!/usr/bin/env node' } },
  demo: { entryPoints: ['src/demo/main.ts'] },
};

/** All, or those that are named: `node esbuild.mjs agent`. */
const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const wanted = names.length > 0 ? names : Object.keys(programs);

mkdirSync('dist', { recursive: true });
copyFileSync('src/agent/agent.py', 'dist/agent.py');
await Promise.all(
  wanted
    .map((name) => ({ ...common, ...programs[name], outfile: `dist/${name}.js` }))
    .filter((options) => existsSync(options.entryPoints[0]))
    .map((options) => build(options)),
);
