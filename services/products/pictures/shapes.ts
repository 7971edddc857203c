/** Simple drawings of things, in a square of 400. The first that a product's words name is drawn. */

export interface Tones {
  main: string;
  dark: string;
  light: string;
}

type Draw = (tones: Tones) => string;

const rect = (x: number, y: number, width: number, height: number, fill: string, radius = 6): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${fill}"/>`;
const circle = (x: number, y: number, radius: number, fill: string): string =>
  `<circle cx="${x}" cy="${y}" r="${radius}" fill="${fill}"/>`;
const path = (d: string, fill: string): string => `<path d="${d}" fill="${fill}"/>`;
const stroke = (d: string, color: string, width: number): string =>
  `<path d="${d}" fill="none" stroke="${color}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;

const chair: Draw = ({ main, dark, light }) =>
  stroke("M140 250 128 335M260 250 272 335M152 250 150 320M248 250 250 320", dark, 12) +
  rect(132, 90, 136, 130, main, 26) +
  rect(148, 106, 104, 84, light, 18) +
  rect(116, 214, 168, 44, main, 20);
const stool: Draw = ({ main, dark }) =>
  stroke("M150 190 128 335M250 190 272 335M141 270H259", dark, 12) + rect(112, 160, 176, 38, main, 19);
const table: Draw = ({ main, dark, light }) =>
  stroke("M96 190V330M304 190V330", dark, 14) +
  rect(66, 162, 268, 32, main, 8) +
  rect(204, 194, 88, 56, light, 4) +
  circle(248, 222, 6, dark);
const shelf: Draw = ({ main, dark, light }) =>
  rect(110, 70, 180, 270, main, 8) +
  [0, 1, 2].map((row) => rect(124, 84 + row * 84, 152, 72, dark, 4)).join("") +
  [0, 1, 2, 3, 4]
    .map((at) => rect(132 + at * 22, 100 + (at % 2) * 10, 16, 56 - (at % 2) * 10, light, 2))
    .join("") +
  rect(140, 200, 70, 40, light, 20) +
  [0, 1, 2].map((at) => rect(150 + at * 34, 268, 24, 56, light, 3)).join("");
const lamp: Draw = ({ main, dark, light }) =>
  circle(200, 190, 84, light) +
  stroke("M200 180V322", dark, 10) +
  path("M146 86H254L292 196H108Z", main) +
  rect(144, 318, 112, 18, dark, 9);
const pendant: Draw = ({ main, dark, light }) =>
  stroke("M200 30V130", dark, 6) + circle(200, 246, 40, light) + path("M110 240A90 110 0 0 1 290 240Z", main);
const lantern: Draw = ({ main, dark, light }) =>
  stroke("M150 120A50 60 0 0 1 250 120", dark, 10) +
  rect(130, 118, 140, 26, main, 10) +
  rect(146, 144, 108, 150, light, 10) +
  path("M200 180Q236 232 200 262 164 232 200 180Z", main) +
  rect(126, 292, 148, 34, main, 10);
const mug: Draw = ({ main, dark, light }) =>
  stroke("M262 176H286A40 40 0 0 1 286 262H258", main, 20) +
  path("M116 140H268V270A50 50 0 0 1 218 322H166A50 50 0 0 1 116 270Z", main) +
  `<ellipse cx="192" cy="142" rx="76" ry="18" fill="${dark}"/>` +
  rect(134, 190, 18, 84, light, 9);
const teapot: Draw = ({ main, dark, light }) =>
  stroke("M112 220Q78 210 74 166", main, 24) +
  stroke("M274 190A44 44 0 1 1 270 272", main, 16) +
  `<ellipse cx="196" cy="240" rx="96" ry="84" fill="${main}"/>` +
  rect(150, 150, 92, 20, dark, 10) +
  circle(196, 142, 14, dark) +
  `<ellipse cx="164" cy="222" rx="16" ry="34" fill="${light}"/>`;
const pan: Draw = ({ main, dark, light }) =>
  rect(262, 196, 118, 22, dark, 11) +
  circle(172, 206, 104, main) +
  circle(172, 206, 82, dark) +
  stroke("M120 178A62 62 0 0 1 168 146", light, 8);
const bowl: Draw = ({ main, dark, light }) =>
  path("M82 190H318Q312 318 200 322 88 318 82 190Z", main) +
  `<ellipse cx="200" cy="190" rx="118" ry="30" fill="${dark}"/>` +
  stroke("M118 234Q132 284 170 300", light, 8);
const board: Draw = ({ main, dark, light }) =>
  rect(110, 80, 180, 250, main, 24) +
  circle(200, 112, 14, light) +
  stroke("M140 170H260M140 214H260M140 258H230", dark, 3);
const knife: Draw = ({ main, dark, light }) =>
  path("M70 236Q170 150 286 150V206Z", light) +
  rect(282, 150, 84, 40, main, 12) +
  circle(310, 170, 5, dark) +
  circle(340, 170, 5, dark);
const shirt: Draw = ({ main, dark, light }) =>
  path("M146 90 80 136 106 196 136 178V326H264V178L294 196 320 136 254 90Q200 132 146 90Z", main) +
  stroke("M152 94Q200 138 248 94", dark, 8) +
  rect(214, 176, 34, 38, light, 4);
const longSleeve: Draw = ({ main, dark, light }) =>
  path(
    "M148 88 92 126 66 300 108 308 132 190V326H268V190L292 308 334 300 308 126 252 88Q200 126 148 88Z",
    main,
  ) +
  stroke("M154 92Q200 132 246 92M200 124V322", dark, 6) +
  [0, 1, 2].map((at) => circle(212, 180 + at * 48, 6, light)).join("");
const shoe: Draw = ({ main, dark, light }) =>
  path("M78 166Q112 190 146 158L246 236Q322 240 330 290H78Z", main) +
  rect(70, 282, 266, 28, light, 14) +
  stroke("M166 178 148 198M192 198 174 220M218 220 200 240", dark, 7);
const boot: Draw = ({ main, dark, light }) =>
  path("M122 82H226V214Q314 222 322 292H122Z", main) +
  rect(114, 286, 216, 28, dark, 8) +
  stroke("M180 120H222M180 150H222M180 180H222", light, 7);
const bag: Draw = ({ main, dark, light }) =>
  stroke("M150 158V124A50 50 0 0 1 250 124V158", dark, 12) +
  path("M104 150H296L314 326H86Z", main) +
  rect(150, 214, 100, 60, light, 8) +
  stroke("M150 236H250", dark, 4);
const backpack: Draw = ({ main, dark, light }) =>
  stroke("M166 92A34 34 0 0 1 234 92", dark, 10) +
  rect(112, 88, 176, 242, main, 54) +
  rect(134, 206, 132, 96, light, 16) +
  stroke("M134 178H266M150 232H250", dark, 6);
const headphones: Draw = ({ main, dark, light }) =>
  stroke("M104 236V204A96 96 0 0 1 296 204V236", dark, 18) +
  rect(84, 212, 56, 104, main, 26) +
  rect(260, 212, 56, 104, main, 26) +
  rect(100, 236, 12, 56, light, 6) +
  rect(288, 236, 12, 56, light, 6);
const speaker: Draw = ({ main, dark, light }) =>
  rect(122, 72, 156, 260, main, 22) +
  circle(200, 136, 34, dark) +
  circle(200, 240, 58, dark) +
  circle(200, 240, 26, light) +
  circle(200, 136, 12, light);
const radio: Draw = ({ main, dark, light }) =>
  stroke("M274 140 316 62", dark, 7) +
  rect(72, 136, 256, 176, main, 26) +
  circle(152, 224, 56, dark) +
  circle(152, 224, 24, light) +
  rect(232, 170, 72, 30, light, 6) +
  circle(250, 250, 16, dark) +
  circle(290, 250, 16, dark);
const turntable: Draw = ({ main, dark, light }) =>
  rect(70, 112, 260, 200, main, 16) +
  circle(178, 212, 82, dark) +
  circle(178, 212, 28, light) +
  circle(178, 212, 5, dark) +
  stroke("M296 146V224L248 254", light, 8);
const microphone: Draw = ({ main, dark, light }) =>
  rect(154, 66, 92, 150, main, 46) +
  stroke("M130 180A70 70 0 0 0 270 180M200 250V322M150 326H250", dark, 12) +
  stroke("M176 110H224M176 138H224", light, 6);
const keyboard: Draw = ({ main, dark, light }) =>
  rect(54, 150, 292, 128, main, 16) +
  [0, 1, 2]
    .map((row) =>
      Array.from({ length: 9 }, (_, at) =>
        rect(70 + at * 29, 166 + row * 28, 22, 20, (at + row) % 5 === 0 ? light : dark, 4),
      ).join(""),
    )
    .join("") +
  rect(128, 250, 144, 16, light, 4);
const device: Draw = ({ main, dark, light }) =>
  rect(138, 96, 124, 224, main, 58) + stroke("M200 100V188", dark, 4) + rect(190, 130, 20, 44, light, 10);
const webcam: Draw = ({ main, dark, light }) =>
  circle(200, 180, 92, main) +
  circle(200, 180, 56, dark) +
  circle(200, 180, 26, light) +
  rect(150, 276, 100, 42, main, 14);
const tent: Draw = ({ main, dark, light }) =>
  path("M200 84 350 316H50Z", main) +
  path("M200 84 250 316H150Z", dark) +
  path("M200 150 226 316H174Z", light) +
  stroke("M50 316H350", dark, 8);
const roll: Draw = ({ main, dark, light }) =>
  rect(66, 156, 250, 124, main, 60) +
  circle(258, 218, 62, dark) +
  circle(258, 218, 38, main) +
  circle(258, 218, 14, light) +
  stroke("M132 158V278M182 158V278", light, 8);
const bottle: Draw = ({ main, dark, light }) =>
  rect(172, 60, 56, 42, dark, 10) +
  path(
    "M164 104H236Q264 140 264 180V312A20 20 0 0 1 244 332H156A20 20 0 0 1 136 312V180Q136 140 164 104Z",
    main,
  ) +
  rect(152, 190, 18, 110, light, 9);
const helmet: Draw = ({ main, dark, light }) =>
  path("M70 244A130 138 0 0 1 330 244L300 268H96Z", main) +
  stroke("M142 152 120 240M200 128V244M258 152 280 240", dark, 12) +
  stroke("M118 268 178 330 282 268", light, 8);
const glove: Draw = ({ main, dark, light }) =>
  path(
    "M132 326V196L104 164A18 18 0 0 1 134 142L158 166V96A17 17 0 0 1 192 96V80A17 17 0 0 1 226 80V96A17 17 0 0 1 260 100V130A17 17 0 0 1 290 134V240L268 326Z",
    main,
  ) +
  rect(126, 292, 150, 38, dark, 10) +
  stroke("M192 100V170M226 100V170M260 132V176", light, 5);
const box: Draw = ({ main, dark, light }) =>
  path("M200 88 316 146V272L200 332 84 272V146Z", main) +
  path("M200 204 316 146V272L200 332Z", dark) +
  stroke("M142 117 258 175V220", light, 10);

/** Words of names, the more special first. */
const SHAPES: readonly [RegExp, Draw][] = [
  [/headlamp|helmet/, helmet],
  [/pendant/, pendant],
  [/lantern|stove/, lantern],
  [/lamp|light/, lamp],
  [/stool|saddle/, stool],
  [/chair/, chair],
  [/bookshelf|shelf/, shelf],
  [/table(?!t)|desk|sideboard|stand/, table],
  [/teapot/, teapot],
  [/mug/, mug],
  [/pan(?![a-z])/, pan],
  [/bowl/, bowl],
  [/board(?![a-z])/, board],
  [/knife/, knife],
  [/sweatshirt|cardigan/, longSleeve],
  [/shirt|polo|top/, shirt],
  [/boot/, boot],
  [/sneaker|loafer|sandal|shoe/, shoe],
  [/backpack/, backpack],
  [/sleeping-bag/, roll],
  [/bag|tote|weekender|pouch|pannier|sleeve/, bag],
  [/headphones|earbuds/, headphones],
  [/speaker/, speaker],
  [/radio/, radio],
  [/turntable/, turntable],
  [/microphone/, microphone],
  [/keyboard/, keyboard],
  [/mouse|hub/, device],
  [/webcam/, webcam],
  [/tent/, tent],
  [/bottle|carafe|pump/, bottle],
  [/gloves/, glove],
];

/** @param words of a product's name, joined by - */
export const shapeOf = (words: string): Draw => SHAPES.find(([shape]) => shape.test(words))?.[1] ?? box;
