import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The path of a program: the first executable of that name in a folder of the PATH. */
export async function findProgram(name: string): Promise<string | undefined> {
  const { PATH = '', PATHEXT = '' } = process.env;
  const ends = process.platform === 'win32' ? PATHEXT.split(';') : [''];
  for (const folder of PATH.split(delimiter).filter((one) => one !== '')) {
    for (const end of ends) {
      const path = join(folder, name + end);
      const isThere = await stat(path).then(
        async (found) => found.isFile() && (await isExecutable(path)),
        () => false,
      );
      if (isThere) return path;
    }
  }
  return undefined;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
