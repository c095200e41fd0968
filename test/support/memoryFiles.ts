import type { ContainerAccess } from '../../src/services/host/engine';

/** The readFile of a container that has exactly the given files (absolute paths). */
export function memoryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
): Pick<ContainerAccess, 'readFile'> {
  return {
    readFile: async (path, maxBytes) => {
      const content = files[path];
      if (content === undefined) throw new Error(`${path}: no such file`);
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      if (bytes.length > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`);
      return bytes;
    },
  };
}
