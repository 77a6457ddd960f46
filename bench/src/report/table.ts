/** A table of text: a heading for each column, and rows of as many cells. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const GAP = "  ";

/** Lines with aligned columns: the first to the left, the others, which hold numbers, to the right. */
export function formatTable({ title, columns, rows }: Table): string[] {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const formatLine = (line: readonly string[]): string =>
    widths
      .map((width, column) => (column === 0 ? (line[0] ?? "").padEnd(width) : (line[column] ?? "").padStart(width)))
      .join(GAP);
  const rule = widths.map((width) => "-".repeat(width)).join(GAP);
  return [title, formatLine(columns), rule, ...rows.map(formatLine)];
}
