/** `npm run names`: writes docs/names.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allShapes, compareShape, type ComparedShape } from './nameShapes';
import { namesPage } from './namesPage';

async function main(): Promise<void> {
  const compared: ComparedShape[] = [];
  for (const shape of allShapes) compared.push(await compareShape(shape));
  writeFileSync(join(__dirname, '../../docs/names.md'), namesPage(compared));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
