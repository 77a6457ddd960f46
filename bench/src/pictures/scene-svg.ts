import type { Random } from "../load/random.js";

/** Size of a picture in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Named after nothing that a model must know: they only have to differ, and to cost what photographs cost. */
const COLOURS = ["#d62026", "#f58214", "#fade28", "#26963c", "#1e50d2", "#822da5", "#121214", "#f6f6f4"];

/** A scene of one large and up to two small shapes on a gradient, as SVG. */
export function sceneSvg({ width, height }: PictureSize, random: Random): string {
  const between = (low: number, high: number): number => low + random() * (high - low);
  const grey = (): string => `rgb(${[0, 0, 0].map(() => Math.round(between(90, 195))).join(",")})`;
  const side = Math.min(width, height);
  const object = (radius: number, x: number): string => {
    const colour = COLOURS[Math.floor(random() * COLOURS.length)] ?? "#000";
    const place = `translate(${x.toFixed(1)} ${between(0.35 * height, 0.65 * height).toFixed(1)})`;
    const turn = `rotate(${between(0, 360).toFixed(1)})`;
    return `<g fill="${colour}" transform="${place} ${turn}">${outline(Math.floor(random() * 6), radius)}</g>`;
  };
  const small = Array.from({ length: Math.floor(random() * 3) }, (_, index) =>
    object(between(0.08, 0.12) * side, width / 2 + (index === 0 ? -0.38 : 0.38) * side),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>`,
    `<linearGradient id="back" gradientTransform="rotate(${between(0, 90).toFixed(1)})">`,
    `<stop offset="0" stop-color="${grey()}"/><stop offset="1" stop-color="${grey()}"/></linearGradient></defs>`,
    `<rect width="100%" height="100%" fill="url(#back)"/>`,
    object(between(0.17, 0.24) * side, width / 2 + between(-0.04, 0.04) * side),
    ...small,
    "</svg>",
  ].join("");
}

/** Circle, or a polygon of 3 to 7 corners. */
function outline(kind: number, radius: number): string {
  if (kind === 0) return `<circle r="${radius.toFixed(1)}"/>`;
  const corners = Array.from({ length: kind + 2 }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / (kind + 2);
    return `${(radius * Math.cos(angle)).toFixed(1)},${(radius * Math.sin(angle)).toFixed(1)}`;
  });
  return `<polygon points="${corners.join(" ")}"/>`;
}
