/** Invoices as PDF, read back as a reader of PDFs does. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { CreditNote, Invoice } from "../../../services/payments/invoices/invoice.model.ts";
import { createPdfPrinter } from "../../../services/payments/invoices/pdf-printer.ts";
import {
  amountsIn,
  printedCreditNote,
  printedInvoice,
} from "../../../services/payments/invoices/printed-document.ts";
import { renderPdf } from "../../../services/payments/invoices/render-pdf.ts";
import { splitTax } from "../../../services/payments/invoices/tax.ts";
import { anInvoice as invoice, anInvoiceLine as line } from "../../support/invoices.ts";
import { readPdf } from "../../support/read-pdf.ts";

const printed = (changes: Partial<Invoice> = {}) =>
  renderPdf(printedInvoice(invoice(changes), () => "M-Pesa"));
const read = async (changes: Partial<Invoice> = {}) => readPdf(await printed(changes));

describe("an invoice as PDF", () => {
  it("has its number, dates, both parties, all lines, the tax and the sums", async () => {
    const { text, pages } = await read();
    assert.equal(pages.length, 1);
    for (const part of [
      "INVOICE",
      "2026-000042",
      "21 November 2026",
      "20 November 2026",
      "S-7K3Q9F",
      "Mombasa Lamps Ltd",
      "12 Moi Avenue",
      "P051234567X",
      "Ann",
      "12345 Springfield",
      "Kenya",
      "Brass lamp 1",
      "LAMP-2",
      "KES 617.01",
      "KES 1,234.02",
      "VAT 16 %",
      "KES 340.42",
      "KES 2,127.64",
      "KES 2,468.06",
      "receipt SKJ7X2Q1LM",
      "Page 1 of 1",
    ])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    assert.equal(invoice().net + invoice().tax, invoice().gross);
  });

  it("has no line for tax where there is none", async () => {
    const { text } = await read({ taxRate: 0 });
    assert.doesNotMatch(text, /VAT|Net|0 %/);
    assert.match(text, /Total paid\s+KES/);
    assert.match((await read({ taxRate: 750 })).text, /VAT 7\.5 %/);
  });

  it("has the options of a line", async () => {
    const options = [
      { name: "Size", value: "M" },
      { name: "اللون", value: "أحمر" },
    ];
    const { text } = await read({ lines: [{ ...line(1), options }, line(2)] });
    assert.match(text, /LAMP-1\nSize: M · اللون: أحمر/);
    assert.match(text, /LAMP-2\n2 KES/);
  });

  it("says by which method it was paid", async () => {
    assert.match((await read()).text, /Paid in full by M-Pesa, receipt SKJ7X2Q1LM\./);
  });

  const names = [
    "Zażółć Gęślą-Jaźń",
    "Łukasz Ñuñez Åström Ğündüz",
    "Nguyễn Thị Ánh Đặng Hữu Phước",
    "Ελένη Παπαδοπούλου",
    "Юлія Їжакевич",
    "Александр Ёлкин",
    "Office fjord affluent",
  ];
  for (const name of names)
    it(`can be searched for ${name}`, async () => {
      const buyer = { ...invoice().buyer, name };
      const lines = [line(1, `${name} — print`), line(2, "Simple lamp, painted")];
      const { text, attachments } = await read({ buyer, lines });
      assert.ok(text.includes(name), text);
      assert.ok(text.includes(`${name} — print`), text);
      assert.ok(text.includes("Simple lamp, painted"), "other words are spoiled");
      assert.ok(text.includes("Total paid"), "other words are spoiled");
      assert.deepEqual(attachments, {});
    });

  it("composes what comes decomposed", async () => {
    const buyer = { ...invoice().buyer, name: "Zoe\u0308 Nguye\u0302\u0303n" };
    assert.ok((await read({ buyer })).text.includes("Zoë Nguyễn"));
  });

  it("marks what its typeface does not have, says so, and has it in an attachment", async () => {
    const buyer = { ...invoice().buyer, name: "\u{e000}\u{10fffd} Wei", line1: "سوق 5" };
    const { text, attachments } = await read({ buyer });
    assert.ok(text.includes("�� Wei"), text);
    assert.match(text, /do not have/);
    const attached = attachments["2026-000042.txt"] ?? assert.fail("no attachment");
    assert.ok(attached.includes("\u{e000}\u{10fffd} Wei") && attached.includes("سوق 5"), attached);
  });

  it("goes on over pages, with head, foot and number on each, and loses no line", async () => {
    const lines = Array.from({ length: 90 }, (_, n) =>
      line(
        n,
        n % 5 === 0 ? `A very long name of a lamp that does not fit into one line, number ${n}` : `Lamp ${n}`,
      ),
    );
    const { pages, text } = await read({ lines });
    assert.ok(pages.length >= 4 && pages.length <= 8, `${pages.length} pages`);
    pages.forEach((page, index) => {
      assert.ok(page.includes(`Page ${index + 1} of ${pages.length}`));
      assert.ok(page.includes("2026-000042"));
    });
    for (const { sku } of lines) assert.equal(text.split(new RegExp(`${sku}(?!\\d)`)).length, 2, sku);
    assert.equal(pages.filter((it) => it.includes("Total paid")).length, 1);
  });

  it("holds text of the greatest lengths", async () => {
    const wide = "W".repeat(120);
    const address = {
      line1: "x".repeat(200),
      line2: "y".repeat(200),
      city: wide,
      region: wide,
      postalCode: "Z".repeat(20),
    };
    const { text } = await read({
      buyer: { ...invoice().buyer, name: wide, ...address },
      seller: { name: wide, address: [wide, wide], taxId: "T".repeat(60) },
      lines: [line(1, "n".repeat(200)), { ...line(2), quantity: 999, unitPrice: 1e12, total: 1e12 }],
      taxName: "A tax of a long name",
    });
    const letters = text.replaceAll(/\s/g, "");
    for (const part of ["x".repeat(200), "y".repeat(200), "n".repeat(200)])
      assert.ok(letters.includes(part), text);
  });

  it("names itself, its author and its day; the same invoice gives the same bytes", async () => {
    const [one, two] = [await printed(), await printed()];
    assert.ok(one.equals(two));
    assert.equal(one.subarray(0, 5).toString(), "%PDF-");
    const { info } = await readPdf(one);
    assert.deepEqual([info.Title, info.Author], ["Invoice 2026-000042", "Mombasa Lamps Ltd"]);
    assert.match(String(info.CreationDate), /^D:20261121100000/);
  });

  it("says that there was nothing to pay", async () => {
    const { text } = await read({ payment: null, lines: [{ ...line(1), unitPrice: 0, total: 0 }] });
    for (const part of ["KES 0.00", "There was nothing to pay."])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    assert.ok(!text.includes("Paid in full by"));
  });

  it("is rendered in another thread, once for many who ask, and not again", async () => {
    const printer = createPdfPrinter();
    try {
      const document = printedInvoice(invoice(), () => "M-Pesa");
      const request = { kind: "pdf", document } as const;
      const asked = await Promise.all([printer.print(request), printer.print(request)]);
      assert.equal(asked[0], asked[1]);
      assert.equal(await printer.print(request), asked[0]);
      const xml = await printer.print({ kind: "invoice.xml", document: invoice(), method: "M-Pesa" });
      assert.match(xml.toString(), /<cbc:ID>2026-000042<\/cbc:ID>/);
      assert.ok(asked[0]?.equals(await renderPdf(document)));
    } finally {
      await printer.close();
    }
  });

  it("waits in a queue of limited length", async () => {
    const printer = createPdfPrinter();
    const asked = Array.from({ length: 120 }, (_, n) => {
      const document = printedInvoice(invoice({ number: `2026-${n}` }), () => "M-Pesa");
      return printer.print({ kind: "pdf", document });
    });
    const results = Promise.allSettled(asked);
    await asked[0];
    await printer.close();
    const codes = (await results).map((it) => (it.status === "rejected" ? it.reason.type : "printed"));
    assert.equal(codes[0], "printed");
    // One is being printed, and a hundred wait.
    assert.deepEqual(new Set(codes.slice(101)), new Set(["UNAVAILABLE"]));
    assert.ok(!codes.slice(0, 101).includes("UNAVAILABLE"));
  });

  it("that takes too long is given up, and the others are not", async () => {
    const printer = createPdfPrinter(null, 8_000);
    try {
      const lines = Array.from({ length: 30_000 }, (_, n) => line(n, `木製テーブル ${n}`));
      const [endless, usual] = [invoice({ number: "2026-1", lines }), invoice()].map((it) =>
        printer.print({ kind: "pdf", document: printedInvoice(it, () => "M-Pesa") }),
      );
      await assert.rejects(Promise.resolve(endless), /2026-1 took more than 8000 ms/);
      assert.ok(await usual);
    } finally {
      await printer.close();
    }
  }).timeout(90_000);

  it("has a credit note beside it that names it", async () => {
    const { lines: _lines, paidOn: _paidOn, ...rest } = invoice();
    const note: CreditNote = {
      ...rest,
      ...splitTax(5_000, 1_600),
      payment: { id: "p", provider: "mpesa", receipt: "SKJ7X2Q1LM" },
      gross: 5_000,
      number: "CN-2026-000007",
      orderId: rest._id,
      invoice: "2026-000042",
      reason: "The lamp was broken",
    };
    const { text } = await readPdf(await renderPdf(printedCreditNote(note, () => "M-Pesa")));
    for (const part of [
      "CREDIT NOTE",
      "CN-2026-000007",
      "2026-000042",
      "The lamp was broken",
      "KES 50.00",
      "KES 6.90",
    ])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
  });
});

describe("amounts on documents", () => {
  it("have the decimals of their currency, and every digit", () => {
    assert.equal(amountsIn("USD")(129_999), "$1,299.99");
    assert.equal(amountsIn("JPY")(1_299), "¥1,299");
    assert.equal(amountsIn("KWD")(5).replace(/\s/, " "), "KWD 0.005");
    // Written without fractions by those who use them, which would make a hundred times the amount.
    assert.equal(amountsIn("RSD")(129_999).replace(/\s/, " "), "RSD 1,299.99");
    assert.equal(amountsIn("IQD")(5).replace(/\s/, " "), "IQD 0.005");
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.constantFrom("JPY", "USD", "KWD", "RSD", "ALL", "IQD"),
        (amount, currency) => {
          assert.equal(Number(amountsIn(currency)(amount).replaceAll(/\D/g, "")), amount);
        },
      ),
    );
  });
});
