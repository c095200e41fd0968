/** The pictures of the extension in docs/images: a real workbench on real IOCs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodeServer } from './codeServer';
import { devcontainerUp } from './lab/devcontainer';
import type { LabEngine } from './lab/engine';
import { openBrowser, Workbench } from './vscodeWorkbench';
import { makePackage } from './vscodePackage';

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

/** Beside what runs in the engine already, an IOC in a dev container whose folder is open. */
export async function takePictures(engine: LabEngine, images: string): Promise<void> {
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
    const window = await Workbench.open(browser, server, dev.workspaceFolder, 'light');
    await window.activity('EPICS');
    await window.widenSideBar(110);
    await window.status(/EPICS$/).waitFor();
    await window.picture('vscode-welcome', images);
    await window.welcomeButton('Expose PVs').click();
    await window.rows(/ioc-example.*pid.*20 of 20 reachable/).waitFor();
    await window.status(/EPICS (\d+)\/\1/).waitFor();
    await window.expand(/^CA rsrv/);
    await window.hover(window.rows('SAMPLE:TEMPERATURE').first());
    await window.picture('vscode-tree', images);
    await window.page.emulateMedia({ colorScheme: 'dark' });
    await window.openFile('sample.db');
    const name = window.page.locator('.view-line span', { hasText: 'SAMPLE:TEMPERATURE' }).last();
    await window.hover(name);
    await window.picture('vscode-editor', images);
  } finally {
    await browser.close();
    await server.close();
    await dev.container.remove();
  }
}
