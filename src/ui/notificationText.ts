import { printable } from '../base/printable';

/**
 * A text for a notification, where VS Code makes links of `[text](command:...)` that run with a click
 * (vs/base/common/linkedText.ts): what came from outside must not be one.
 */
export function notificationText(text: string): string {
  return printable(text).replaceAll('](', '] (');
}
