/** Cuts text from outside to `maxLength` characters; "..." shows where it was cut. */
export function clipped(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}...`;
}
