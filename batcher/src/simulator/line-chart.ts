/** One line of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One chart: what is on its axes, and its lines. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  /** Larger values are cut off at the top. */
  readonly yMax: number;
  readonly lines: readonly ChartLine[];
}

const [WIDTH, HEIGHT] = [420, 260];
const MARGIN = { left: 48, right: 12, top: 30, bottom: 36 };
const [PLOT_WIDTH, PLOT_HEIGHT] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
const Y_STEPS = 4;
const TEXT = 'font-family="system-ui, sans-serif" font-size="11" fill="#444"';

/** Charts side by side, `perRow` in a row, with one legend below them all. Every x is from 0 to 1. */
export function drawCharts(charts: readonly Chart[], perRow: number): string {
  const rows = Math.ceil(charts.length / perRow);
  const [width, height] = [perRow * WIDTH, rows * HEIGHT + 28];
  const placed = charts.map((chart, index) => {
    const [x, y] = [(index % perRow) * WIDTH, Math.floor(index / perRow) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${drawChart(chart)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...placed,
    drawLegend(charts[0]?.lines ?? [], rows * HEIGHT + 14),
    "</svg>",
    "",
  ].join("\n");
}

function drawChart({ title, xLabel, yMax, lines }: Chart): string {
  const at = (x: number, y: number): string =>
    `${round(MARGIN.left + x * PLOT_WIDTH)},${round(MARGIN.top + (1 - Math.min(1, y / yMax)) * PLOT_HEIGHT)}`;
  const grid = Array.from({ length: Y_STEPS + 1 }, (_, step) => {
    const value = (yMax * step) / Y_STEPS;
    const y = round(MARGIN.top + (1 - step / Y_STEPS) * PLOT_HEIGHT);
    return (
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#ddd"/>` +
      `<text x="${MARGIN.left - 6}" y="${y + 4}" text-anchor="end" ${TEXT}>${Math.round(value * 100) / 100}</text>`
    );
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (x) =>
      `<text x="${round(MARGIN.left + x * PLOT_WIDTH)}" y="${HEIGHT - 20}" text-anchor="middle" ${TEXT}>${x}</text>`,
  );
  const drawn = lines.map(
    ({ color, points }) =>
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${points.map(([x, y]) => at(x, y)).join(" ")}"/>`,
  );
  return [
    `<text x="${MARGIN.left}" y="18" ${TEXT} font-weight="600">${title}</text>`,
    ...grid,
    ...ticks,
    `<text x="${MARGIN.left + PLOT_WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle" ${TEXT}>${xLabel}</text>`,
    ...drawn,
  ].join("");
}

function drawLegend(lines: readonly ChartLine[], y: number): string {
  return lines
    .map(({ name, color }, index) => {
      const x = MARGIN.left + index * 130;
      return `<rect x="${x}" y="${y - 4}" width="18" height="4" fill="${color}"/><text x="${x + 24}" y="${y + 2}" ${TEXT}>${name}</text>`;
    })
    .join("");
}

const round = (value: number): number => Math.round(value * 10) / 10;
