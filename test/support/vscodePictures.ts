/** The pictures of the extension: a real workbench on real IOCs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeAnimation } from './animatedPicture';
import { CodeServer } from './codeServer';
import { devcontainerUp } from './lab/devcontainer';
import type { LabEngine } from './lab/engine';
import { IMAGES, stopExposing, type PictureScene } from './pictureScene';
import { openBrowser, Workbench } from './vscodeWorkbench';
import { makePackage } from './vscodePackage';
import { takeWalkthroughPictures } from './walkthroughPictures';

const DATABASE = `record(ai, "SAMPLE:TEMPERATURE") {
    field(DESC, "Temperature of the sample")
    field(EGU, "C")
    field(PREC, "2")
}

record(ao, "SAMPLE:SETPOINT") {
    field(DESC, "Set point of the sample")
    field(EGU, "C")
}
`;

/** Each kind of picture, by the word that makes it alone. */
export const KINDS = {
  editor: takeEditor,
  walkthrough: takeWalkthroughPictures,
  animation: takeAnimation,
} as const;
export type PictureKind = keyof typeof KINDS;

/** Beside what runs in the engine already, an IOC in a dev container whose folder is open. */
export async function takePictures(
  engine: LabEngine,
  kinds: readonly PictureKind[],
): Promise<void> {
  const vsix = join(engine.folder, 'pictures.vsix');
  await makePackage(vsix);
  const dev = await devcontainerUp(engine, {
    name: 'ioc-example',
    settings: { runArgs: ['--name', 'ioc-example'] },
  });
  writeFileSync(join(dev.workspaceFolder, 'sample.db'), DATABASE);
  await dev.container.startIoc({ macros: 'P=SAMPLE:', env: { IOC_NAME: 'ioc-example' } });
  const settings = { 'epicsExpose.engine': engine.endpoint, 'epicsExpose.autoExpose': 'never' };
  const server = await CodeServer.start({ vsix, settings });
  const browser = await openBrowser();
  try {
    for (const kind of kinds) await KINDS[kind]({ browser, server, folder: dev.workspaceFolder });
  } finally {
    await browser.close();
    await server.close();
    await dev.container.remove();
  }
}

/** Of README.md: a whole window. */
async function takeEditor({ browser, server, folder }: PictureScene): Promise<void> {
  const window = await Workbench.open(browser, server, folder, 'dark');
  await window.activity('EPICS');
  await window.widenSideBar(110);
  await window.welcomeButton('Expose PVs').click();
  await window.rows(/ioc-example.*pid.*(\d+) of \1 reachable/).waitFor();
  await window.status(/EPICS (\d+)\/\1/).waitFor();
  await window.openFile('sample.db');
  const name = window.page.locator('.view-line span', { hasText: 'SAMPLE:TEMPERATURE' }).last();
  await window.hover(name);
  await window.picture('vscode-editor', IMAGES);
  await stopExposing(window);
}
