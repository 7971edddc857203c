/**
 * Electronic invoices against the rules of EN 16931. Neither its Schematron nor the XSDs of UBL are in a package that
 * can be had here. So the rules that concern what Souk writes are checked one by one, by their names, and the order of
 * elements by UBL's sequences.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { create } from "xmlbuilder2";
import { minorDigits } from "../../../broker/contract/values/currency.ts";
import { netsOfLines } from "../../../services/payments/invoices/electronic/line-nets.ts";
import { ublCreditNote, ublInvoice } from "../../../services/payments/invoices/electronic/ubl-document.ts";
import type { CreditNote, Invoice } from "../../../services/payments/invoices/invoice.model.ts";
import { splitTax } from "../../../services/payments/invoices/tax.ts";
import { anAddress } from "../../../souk/testing/address.ts";
import { checkRules, type Node, nodeOf } from "../../support/en16931-rules.ts";
import { anInvoice, anInvoiceLine } from "../../support/invoices.ts";

const method = "Stripe";
const seller = {
  name: "Lampen GmbH",
  address: ["Hauptstraße 1", "10115 Berlin"],
  taxId: "DE123456789",
  country: "DE",
};
const inEuro = (changes: Partial<Invoice> = {}): Invoice =>
  anInvoice({ seller, currency: "EUR", taxRate: 1_900, ...changes });
const read = (xml: string): Node => nodeOf(create(xml));
const invoice = (changes: Partial<Invoice> = {}) => read(ublInvoice(inEuro(changes), method));

function creditNote(gross: number): CreditNote {
  const { lines: _lines, paidOn: _paidOn, payment, ...rest } = inEuro();
  assert.ok(payment);
  return {
    ...rest,
    ...splitTax(gross, rest.taxRate),
    gross,
    payment,
    number: "CN-2026-000007",
    orderId: rest._id,
    invoice: "2026-000042",
    reason: "Broken & <returned>",
  };
}

describe("an electronic invoice", () => {
  it("has what EN 16931 asks for, and says so", () => {
    const root = invoice({
      lines: [
        { ...anInvoiceLine(1), options: [{ name: "Größe", value: "M" }] },
        anInvoiceLine(2, "木製テーブル"),
      ],
      printed: [{ label: "Points", text: "12" }],
    });
    assert.equal(root.name, "Invoice");
    assert.equal(root.text("cbc:CustomizationID"), "urn:cen.eu:en16931:2017");
    assert.deepEqual(checkRules(root), []);
    assert.equal(root.text("cbc:ID"), "2026-000042");
    assert.equal(root.text("cbc:IssueDate"), "2026-11-21");
    assert.equal(root.text("cbc:Note"), "Points: 12");
    const [first, second] = root.all("cac:InvoiceLine");
    assert.equal(first?.text("cac:Item/cac:AdditionalItemProperty/cbc:Name"), "Größe");
    assert.equal(first?.text("cac:Item/cac:AdditionalItemProperty/cbc:Value"), "M");
    assert.equal(second?.text("cac:Item/cbc:Name"), "木製テーブル");
    assert.equal(root.text("cac:LegalMonetaryTotal/cbc:PayableAmount"), "0.00");
    assert.equal(root.text("cac:PaymentMeans/cbc:PaymentMeansCode"), "68");
  });

  it("has a credit note beside it that names it", () => {
    const root = read(ublCreditNote(creditNote(5_000), method));
    assert.equal(root.name, "CreditNote");
    assert.deepEqual(checkRules(root), []);
    assert.equal(root.text("cbc:CreditNoteTypeCode"), "381");
    assert.equal(root.text("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"), "2026-000042");
    assert.equal(root.text("cac:CreditNoteLine/cac:Item/cbc:Name"), "Broken & <returned>");
    assert.equal(root.text("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount"), "50.00");
  });

  it("keeps the rules for any lines, rates and currencies", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            sku: fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
            name: fc.string({ unit: "binary", minLength: 1, maxLength: 50 }),
            quantity: fc.integer({ min: 1, max: 999 }),
            unitPrice: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1e12 })),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.constantFrom(0, 1, 500, 1_600, 1_925, 10_000),
        fc.constantFrom("EUR", "JPY", "USD"),
        (some, taxRate, currency) => {
          const lines = some
            .map((it) => ({ ...it, total: it.quantity * it.unitPrice }))
            .filter((it) => /\S/.test(it.name) && /\S/.test(it.sku));
          if (lines.length === 0) return;
          assert.deepEqual(checkRules(invoice({ lines, taxRate, currency })), []);
        },
      ),
    );
  });

  it("of nothing to pay has no means of payment", () => {
    const root = invoice({ payment: null, lines: [{ ...anInvoiceLine(1), unitPrice: 0, total: 0 }] });
    assert.deepEqual(checkRules(root), []);
    assert.equal(root.all("cac:PaymentMeans").length, 0);
  });

  it("without tax is at 0 % for a seller with a tax number, else not subject to tax", () => {
    const categoryOf = (it: Node) => it.text("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID");
    assert.equal(categoryOf(invoice({ taxRate: 0 })), "Z");
    const small = invoice({ taxRate: 0, seller: { ...seller, taxId: null } });
    assert.equal(categoryOf(small), "O");
    assert.equal(small.all("cbc:CustomizationID").length, 0);
    assert.deepEqual(checkRules(small), ["BR-1", "BR-CO-26"]);
  });

  it("does not say that it follows EN 16931 where settings lack what the standard asks for", () => {
    for (const changes of [
      { seller: { ...seller, country: null } },
      { seller: { ...seller, taxId: null } },
      { currency: "KWD" },
    ])
      assert.equal(invoice(changes).all("cbc:CustomizationID").length, 0);
  });

  it("names the tax number as a VAT identifier only where it begins with its country", () => {
    const scheme = (it: Node) =>
      it.text("cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cac:TaxScheme/cbc:ID");
    assert.equal(scheme(invoice()), "VAT");
    assert.equal(scheme(invoice({ seller: { ...seller, country: "GR", taxId: "EL123456789" } })), "VAT");
    const kenyan = invoice({ seller: { ...seller, country: "KE", taxId: "P051234567X" } });
    assert.equal(scheme(kenyan), "TAX");
    assert.deepEqual(checkRules(kenyan), []);
  });

  it("holds text that XML can't, and places outside ISO 3166", () => {
    const buyer = anAddress({ name: "A\u0000\u001b\ud800 & <b>]]>", country: "XK" });
    const root = invoice({ buyer });
    const party = "cac:AccountingCustomerParty/cac:Party/";
    assert.equal(root.text(`${party}cac:PartyLegalEntity/cbc:RegistrationName`), "A��� & <b>]]>");
    assert.equal(root.text(`${party}cac:PostalAddress/cac:Country/cbc:IdentificationCode`), "1A");
    assert.deepEqual(checkRules(root), []);
  });

  it("of 1,000 lines is made at once", () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => anInvoiceLine(n + 1));
    const start = performance.now();
    ublInvoice(inEuro({ lines }), method);
    assert.ok(performance.now() - start < 2_000);
  });
});

describe("net amounts of lines", () => {
  it("add up to the document's, each within one minor unit of its share", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e12 }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 0, max: 10_000 }),
        (totals, rate) => {
          const gross = totals.reduce((sum, it) => sum + it, 0);
          const { net } = splitTax(gross, rate);
          const nets = netsOfLines(totals, net);
          assert.equal(
            nets.reduce((sum, it) => sum + it, 0),
            net,
          );
          totals.forEach((total, index) => {
            const exact = gross === 0 ? 0 : (total / gross) * net;
            assert.ok(Math.abs((nets[index] ?? 0) - exact) <= 1 + exact * 1e-9);
          });
        },
      ),
    );
    assert.equal(minorDigits("EUR"), 2);
  });
});
