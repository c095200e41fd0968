import { printable } from '../base/printable';

/**
 * Makes text from outside safe in a notification, in which VS Code turns `[text](command:...)` into
 * links that run on a click (vs/base/common/linkedText.ts).
 */
export function notificationText(text: string): string {
  return printable(text).replaceAll('](', '] (');
}
