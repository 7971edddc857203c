/**
 * Pictures of the demo catalogue. They are drawn when they are asked for, from the words of their name alone: the same
 * name is the same picture, and nothing is stored.
 */
import { shapeOf, type Tones } from "./shapes.ts";

/** Hue, saturation and lightness of what things are made of. */
const MATERIALS: Readonly<Record<string, readonly [number, number, number]>> = {
  oak: [34, 45, 58],
  walnut: [24, 36, 36],
  ash: [40, 34, 72],
  birch: [42, 48, 76],
  beech: [32, 52, 68],
  bamboo: [52, 46, 62],
  rattan: [38, 56, 60],
  brass: [44, 66, 50],
  copper: [20, 60, 50],
  steel: [214, 12, 58],
  stainless: [210, 10, 66],
  aluminium: [210, 12, 70],
  titanium: [220, 10, 52],
  iron: [220, 8, 28],
  carbon: [220, 8, 24],
  leather: [18, 46, 40],
  suede: [26, 38, 50],
  canvas: [46, 30, 60],
  linen: [44, 32, 74],
  wool: [36, 22, 66],
  merino: [222, 26, 44],
  felt: [200, 12, 54],
  glass: [186, 40, 62],
  ceramic: [196, 26, 70],
  enamel: [210, 54, 50],
  stoneware: [28, 18, 52],
  reflective: [70, 78, 52],
  recycled: [150, 30, 42],
};

/** @param words of a product's name, joined by - @param view counted from 1: other views of it */
export function drawPicture(words: string, view: number): string {
  const next = random(words);
  const hue = Math.floor(next() * 360);
  const material = words.split("-").flatMap((it) => [MATERIALS[it] ?? []].filter((one) => one.length > 0))[0];
  const [h = hue, s = 42, l = 52] = material ?? [];
  const tones: Tones = {
    main: hsl(h, s, l),
    dark: hsl(h, s, l * 0.62),
    light: hsl(h, s, 92 - (92 - l) * 0.35),
  };
  const ground = Math.floor(next() * 360);
  const [from, to] = [hsl(ground, 38, 94 - view), hsl(ground + 26, 34, 84 - 2 * view)];
  const sun = {
    x: 60 + Math.floor(next() * 280),
    y: 60 + Math.floor(next() * 90),
    r: 50 + Math.floor(next() * 50),
  };
  const turn = view % 2 === 0 ? 'transform="translate(452 -26) scale(-1.13 1.13)"' : "";
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="800" height="800" role="img">',
    `<title>${titleOf(words)}</title>`,
    `<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs>`,
    '<rect width="400" height="400" fill="url(#g)"/>',
    `<circle cx="${sun.x}" cy="${sun.y}" r="${sun.r}" fill="#fff" opacity=".45"/>`,
    `<g ${turn}><ellipse cx="200" cy="334" rx="132" ry="16" fill="#000" opacity=".12"/>${shapeOf(words)(tones)}</g>`,
    "</svg>",
  ].join("\n");
}

const hsl = (hue: number, saturation: number, lightness: number): string =>
  `hsl(${Math.round(hue) % 360} ${Math.round(saturation)}% ${Math.round(lightness)}%)`;

/** Only letters, digits and blanks: no markup can come from a name. */
const titleOf = (words: string): string => words.replaceAll(/[^a-z0-9]+/g, " ").trim();

/** Numbers in [0, 1), the same for the same text (FNV-1a and mulberry32). */
function random(text: string): () => number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
