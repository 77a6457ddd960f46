/** To the terminal's other screen, without a cursor (ECMA-48 and xterm's private modes 1049 and 25). */
export const ENTER_SCREEN = "\u001b[?1049h\u001b[?25l";
/** Back to what was there before. */
export const LEAVE_SCREEN = "\u001b[?25h\u001b[?1049l";

/** A whole picture of these lines from the top left corner, cut off where the terminal ends; nothing else is left on it. */
export function drawFrame(
  lines: readonly string[],
  { rows = 50, columns = 200 }: { readonly rows: number | undefined; readonly columns: number | undefined },
): string {
  const visible = lines.slice(0, rows).map((line) => `${line.slice(0, columns)}\u001b[K`);
  return `\u001b[H${visible.join("\r\n")}\u001b[J`;
}
