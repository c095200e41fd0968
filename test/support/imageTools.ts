/** What a machine that makes pictures has beside what the tests need. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const TOOLS = {
  tmux: 'of the Debian package of that name',
  ffmpeg: 'of the Debian package of that name',
  caget: 'of EPICS Base (in bin/linux-x86_64 after make)',
} as const;

/** What is missing here of these tools, in words; undefined when nothing is. */
export function missingImageTools(): string | undefined {
  const missing = Object.entries(TOOLS).filter(([tool]) => folderOf(tool) === undefined);
  if (missing.length === 0) return undefined;
  return `needs in the PATH: ${missing.map(([tool, origin]) => `${tool}, ${origin}`).join('; ')}`;
}

/** The folder of the PATH that has it. */
export function folderOf(tool: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).find((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Reads and writes files; shows its own words only when it fails. */
export function ffmpeg(...parameters: string[]): void {
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/**
 * The colours that a window needs, found in all frames. No dithering: areas of one colour stay so,
 * and are small.
 */
export function palette(colours: number): string {
  const found = `[one]palettegen=max_colors=${colours}:reserve_transparent=0[colours]`;
  return `split[one][other];${found};[other][colours]paletteuse=dither=none`;
}
