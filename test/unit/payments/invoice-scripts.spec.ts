/** Text of all scripts on invoices: as glyphs on the page, and as text to copy, by two readers of PDFs. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import PDFDocument from "pdfkit";
import { printedInvoice } from "../../../services/payments/invoices/printed-document.ts";
import { renderPdf } from "../../../services/payments/invoices/render-pdf.ts";
import { cleanText, isolated } from "../../../services/payments/invoices/typesetting/clean-text.ts";
import { hanOf } from "../../../services/payments/invoices/typesetting/font-families.ts";
import { openLibrary } from "../../../services/payments/invoices/typesetting/font-library.ts";
import { itemise, neededBy } from "../../../services/payments/invoices/typesetting/itemise.ts";
import { shapeRun } from "../../../services/payments/invoices/typesetting/shape-run.ts";
import { createTypesetter } from "../../../services/payments/invoices/typesetting/typesetter.ts";
import { anInvoice } from "../../support/invoices.ts";
import { readPdf } from "../../support/read-pdf.ts";

const SAMPLES: readonly [script: string, text: string, inRow?: string][] = [
  ["Latin", "Zażółć Gęślą-Jaźń Łukasz Ñuñez Åström Ğündüz"],
  ["Vietnamese", "Nguyễn Thị Ánh Đặng Hữu Phước"],
  ["Greek", "Ξύλινο τραπέζι"],
  ["Cyrillic", "Сапоги", "invoice-Cyrillic and signs"],
  ["signs", "± ≥ m³ ≤ ≠ √ ∞ ½ № € ₹ ₺ ₽ ™ → ★ ✓ ①", "invoice-Cyrillic and signs"],
  ["Arabic", "طاولة خشبية", "invoice-Arabic"],
  ["Arabic names", "عمر الخطاب", "invoice-Arabic"],
  ["Urdu and Persian", "لکڑی کی میز چوبی"],
  ["Hebrew", "שולחן עץ"],
  ["brackets from right to left", "كتاب «جديد» خشبي (كبير)"],
  ["Hebrew with points", "שָׁלוֹם עוֹלָם"],
  ["Devanagari", "लकड़ी की मेज़ क्षत्रिय ज्ञान"],
  ["Bengali", "ক্ষুদ্র কাঠের টেবিল"],
  ["Tamil", "மர மேசை கொள்"],
  ["Telugu", "చెక్క బల్ల"],
  ["Gujarati", "લાકડાનું ટેબલ"],
  ["Gurmukhi", "ਲੱਕੜ ਦੀ ਮੇਜ਼"],
  ["Kannada", "ಮರದ ಮೇಜು"],
  ["Malayalam", "മരത്തിന്റെ മേശ"],
  ["Sinhala", "ලී මේසය ශ්‍රී"],
  ["Thai", "โต๊ะไม้ที่นี่"],
  ["Lao", "ໂຕະໄມ້"],
  ["Khmer", "តុឈើ ខ្មែរ"],
  ["Burmese", "သစ်သားစားပွဲ"],
  ["Amharic", "የእንጨት ጠረጴዛ"],
  ["Armenian", "Փայտե սեղան"],
  ["Georgian", "ხის მაგიდა"],
  ["Chinese", "木头桌子"],
  ["traditional Chinese", "木頭桌子 張偉"],
  ["Japanese", "木製テーブル", "invoice-Japanese"],
  ["Japanese names", "山田太郎", "invoice-Japanese"],
  ["Korean", "나무 테이블"],
  ["emoji", "👩‍🔧 ❤️ 🇰🇪 🛠️ 1️⃣ 👍🏽"],
  ["several", "Lamp 木 лампа नमक โคม"],
];

const hasPoppler = spawnSync("pdftotext", ["-v"]).status === 0;
/** As a reader of PDFs without options has it. */
const popplerText = (pdf: Buffer): string =>
  execFileSync("pdftotext", ["-", "-"], { input: pdf })
    .toString()
    // Marks of direction that it adds itself.
    .replaceAll(/[\u202a-\u202e]/g, "");

const printed = (changes: Parameters<typeof anInvoice>[0]) =>
  renderPdf(printedInvoice(anInvoice(changes), () => "Stripe"));

async function clustersOf(text: string) {
  const cleaned = cleanText(text);
  const han = hanOf(cleaned, "KE");
  const library = await openLibrary(neededBy(cleaned), han);
  return itemise(cleaned, library, han).runs.flatMap((run) => shapeRun(run, 400));
}

const line = (name: string) => ({ sku: "A-1", name, quantity: 1, unitPrice: 100, total: 100 });

describe("invoices in every script", function () {
  this.timeout(20_000);

  for (const [script, text, row] of SAMPLES) {
    const title = row === undefined ? script : `${script} (${row})`;
    it(`show ${title} with glyphs for all of it`, async () => {
      const clusters = await clustersOf(text);
      assert.equal(clusters.map((it) => it.text).join(""), text.normalize("NFC"));
      const missing = clusters.filter((it) => it.glyphs.some((glyph) => glyph.id === 0));
      assert.deepEqual(
        missing.map((it) => it.text),
        [],
      );
    });
  }

  it("have all of it as text to copy, in the order of reading (invoice-Arabic, invoice-Japanese)", async () => {
    const lines = SAMPLES.map(([, name], index) => ({
      sku: `SKU-${index}`,
      name,
      quantity: 1,
      unitPrice: 100,
      total: 100,
    }));
    const pdf = await printed({
      lines,
      buyer: { ...anInvoice().buyer, name: "عمر الخطاب", line1: "山田太郎" },
    });
    const { text, attachments } = await readPdf(pdf);
    assert.deepEqual(attachments, {});
    const squeezed = text.replaceAll(/\s+/g, " ");
    const unread = SAMPLES.filter(([, it]) => !squeezed.includes(it.normalize("NFC")));
    assert.deepEqual(unread, [], text);
    for (const name of ["عمر الخطاب", "山田太郎"]) assert.ok(text.includes(name), text);
  });

  // Poppler is a program of its own, and no part of the project. CI's machines may lack it.
  if (hasPoppler)
    it("have it also for poppler, as pdftotext reads", async () => {
      const samples = SAMPLES.filter(
        ([script]) => script !== "signs" && script !== "brackets from right to left",
      );
      const lines = samples.map(([, name], index) => ({ ...line(name), sku: `SKU-${index}` }));
      const text = popplerText(await printed({ lines }));
      // Poppler guesses spaces beside emoji from distances.
      const withoutSpaces = (it: string) => it.normalize("NFC").replaceAll(/\s+/g, "");
      const unread = samples.filter(([, it]) => !withoutSpaces(text).includes(withoutSpaces(it)));
      assert.deepEqual(unread, [], text);
    });

  it("join Arabic letters and form Devanagari clusters", async () => {
    // Dots are glyphs without a width.
    const lettersOf = async (text: string) =>
      (await clustersOf(text))
        .flatMap((it) => it.glyphs.filter((glyph) => glyph.advance > 0))
        .map((it) => it.id);
    const shapes = [...(await lettersOf("ب")), ...(await lettersOf("ببب"))];
    assert.equal(new Set(shapes).size, 4, "alone, first, middle and last it has a shape of its own");
    const ksha = await clustersOf("क्ष");
    assert.deepEqual([ksha.length, ksha[0]?.glyphs.length], [1, 1]);
    const ki = await clustersOf("कि");
    const first = (await clustersOf("क"))[0]?.glyphs[0]?.id;
    assert.equal(ki[0]?.glyphs.at(-1)?.id, first, "the vowel stands before its consonant");
  });

  it("have right-to-left text in its order on the page", async () => {
    const clusters = await clustersOf("שולחן 12");
    assert.deepEqual(
      clusters.map((it) => it.level % 2),
      [1, 1, 1, 1, 1, 1, 0, 0],
    );
  });

  it("show Chinese characters as the buyer's country writes them", () => {
    assert.deepEqual(
      [hanOf("直", "JP"), hanOf("直", "TW"), hanOf("直", "DE"), hanOf("直す", "TW"), hanOf("한 直", "TW")],
      ["jp", "tc", "sc", "jp", "kr"],
    );
  });

  it("lay out an option in the direction of its name, each on its own", async () => {
    const options = [
      { name: "اللون", value: "أحمر XL" },
      { name: "Size", value: "مقاس" },
    ];
    const { details } = printedInvoice(anInvoice({ lines: [{ ...line("x"), options }] }), () => "Stripe")
      .lines[0] ?? {
      details: [],
    };
    const clusters = await clustersOf(details[1] ?? "");
    const backwards = (text: string) =>
      clusters.filter((it) => it.text === text).map((it) => it.level % 2 === 1);
    assert.deepEqual(
      [backwards(":"), backwards("·"), backwards("S"), backwards("X")],
      [[true, false], [false], [false], [false]],
    );
  });

  it("have spaces of usual width beside emoji", async () => {
    const [, space] = await clustersOf("👍 lamp");
    assert.ok(space?.text === " " && space.width < 400, `${space?.width}`);
  });

  it("embed only what they use", async () => {
    const pdf = await printed({ lines: [{ ...line("木製テーブル"), quantity: 1 }] });
    assert.ok(pdf.length < 60_000, `${pdf.length} bytes`);
  });
});

describe("hostile names on invoices", function () {
  this.timeout(30_000);

  const attacks: readonly [what: string, name: string, shown: RegExp][] = [
    ["an override of direction", "evil \u202egnp.exe\u202c lamp", /evil gnp\.exe lamp/],
    ["isolates that are not closed", "lamp \u2066\u2067\u2068 end", /lamp\s+end/],
    ["control characters", "la\u0007mp\u0000 \u001b[31mred", /lamp \[31mred/],
    ["10,000 marks on one letter", `lamp x${"\u0301\u0323".repeat(5_000)}`, /lamp/],
    ["10,000 marks alone", "\u0301".repeat(10_000), /A-1/],
    ["10,000 joiners", `lamp ${"\u200d".repeat(10_000)}`, /lamp/],
    ["half of a pair", "lamp \ud800", /lamp �/],
    ["private characters", "lamp \ue000\u{10ffff}", /lamp ��/],
    ["a family of 1,000 people", `lamp ${"👩‍".repeat(1_000)}👩`, /lamp/],
    ["PDF operators", "lamp) Tj ET /F1 0 Tf (x", /lamp\) Tj ET/],
    ["nested brackets", `lamp ${"(".repeat(5_000)}`, /lamp/],
  ];
  for (const [what, name, shown] of attacks)
    it(`with ${what} neither break nor hang it`, async () => {
      const start = performance.now();
      const { text } = await readPdf(await printed({ lines: [line(name)] }));
      assert.match(text, shown);
      assert.match(text, /Total paid/);
      assert.ok(performance.now() - start < 10_000);
    });

  it("of any text are printed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "binary", maxLength: 60 }), { minLength: 1, maxLength: 5 }),
        async (names) => {
          const pdf = await printed({ lines: names.map(line) });
          assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
        },
      ),
      { numRuns: 15 },
    );
  });

  it("do not turn the words around them", () => {
    const text = cleanText(`Refund: ${isolated("\u2069\u202eabc\u2068")} (12)`);
    assert.equal(text, "Refund: \u2068abc\u2069 (12)");
  });

  it("take time in proportion to their length", async () => {
    const timeOf = async (count: number) => {
      const lines = Array.from({ length: count }, (_, n) => line(`Lamp طاولة 木製 ${n}`));
      const start = performance.now();
      await printed({ lines });
      return performance.now() - start;
    };
    await timeOf(50);
    const [small, large] = [await timeOf(200), await timeOf(800)];
    assert.ok(large < 10 * small, `${small} ms, ${large} ms`);
  });
});

describe("the typesetter", () => {
  it("cuts what does not fit into its lines with …", async () => {
    const pdf = new PDFDocument({ font: "" });
    const long = "word ".repeat(100).trim();
    const typesetter = await createTypesetter(pdf, [long], "KE");
    const style = { size: 10, weight: 400, color: "#000000" } as const;
    const bottom = typesetter.put(long, style, { x: 0, y: 0, width: 100, maxLines: 2 });
    assert.equal(Math.round(bottom), Math.round(typesetter.heightOf(long, style, 100, 2)));
    assert.ok(bottom < 30 && typesetter.heightOf(long, style, 100) > 200);
  });
});
