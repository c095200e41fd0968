/** A text from outside, of so many characters at most; where it is cut, that is seen. */
export function clipped(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}...`;
}
