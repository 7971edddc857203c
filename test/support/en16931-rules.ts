/** Rules of EN 16931 for documents in UBL, as far as they concern what Souk writes; each by its name. */
import type { XMLBuilder } from "xmlbuilder2/lib/interfaces.js";

/** What is used of a DOM node. */
interface DomNode {
  readonly nodeName: string;
  readonly nodeType: number;
  readonly textContent: string | null;
  readonly childNodes: Iterable<DomNode>;
  getAttribute?(name: string): string | null;
}

/** An element, read by paths of names. */
export class Node {
  readonly name: string;
  readonly children: readonly Node[];
  readonly content: string;
  readonly #element: DomNode;

  constructor(element: DomNode) {
    const nodes = Array.from(element.childNodes);
    this.#element = element;
    this.name = element.nodeName;
    this.children = nodes.filter((it) => it.nodeType === 1).map((it) => new Node(it));
    this.content = this.children.length > 0 ? "" : (element.textContent ?? "");
  }

  all(path: string): readonly Node[] {
    let found: readonly Node[] = [this];
    for (const name of path.split("/"))
      found = found.flatMap((it) => it.children.filter((child) => child.name === name));
    return found;
  }

  text(path: string): string | undefined {
    return this.all(path)[0]?.content;
  }

  attribute(name: string): string | undefined {
    return this.#element.getAttribute?.(name) ?? undefined;
  }

  /** This and everything in it. */
  *tree(): Generator<Node> {
    yield this;
    for (const child of this.children) yield* child.tree();
  }
}

export const nodeOf = (document: XMLBuilder): Node => new Node(document.root().node);

const SELLER = "cac:AccountingSupplierParty/cac:Party";
const BUYER = "cac:AccountingCustomerParty/cac:Party";
const SUBTOTAL = "cac:TaxTotal/cac:TaxSubtotal";
const TOTAL = "cac:LegalMonetaryTotal";

/** Hundredths of the standard's two decimals, exactly. */
const cents = (text: string | undefined): bigint => {
  const [, sign = "", whole = "", part = ""] = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(text ?? "") ?? [];
  if (whole === "") throw new Error(`${text} is no amount of at most two decimals`);
  return BigInt(`${sign}${whole}${part.padEnd(2, "0")}`);
};
const sum = (all: readonly bigint[]): bigint => all.reduce((total, it) => total + it, 0n);
const far = (one: bigint, other: bigint, most: bigint): boolean => one - other > most || other - one > most;

/** @returns names of the rules that a document breaks */
export function checkRules(root: Node): string[] {
  const broken: string[] = [];
  const rule = (name: string, holds: boolean) => {
    if (!holds && !broken.includes(name)) broken.push(name);
  };
  const has = (name: string, path: string, at: Node = root) => rule(name, Boolean(at.text(path)?.trim()));
  const isInvoice = root.name === "Invoice";
  const lines = root.all(isInvoice ? "cac:InvoiceLine" : "cac:CreditNoteLine");
  const type = isInvoice ? "cbc:InvoiceTypeCode" : "cbc:CreditNoteTypeCode";
  const quantityName = isInvoice ? "cbc:InvoicedQuantity" : "cbc:CreditedQuantity";
  const category = `${SUBTOTAL}/cac:TaxCategory`;
  const code = root.text(`${category}/cbc:ID`) ?? "";
  const rate = root.text(`${category}/cbc:Percent`);
  const amount = (path: string, at: Node = root) => cents(at.text(path));

  has("BR-1", "cbc:CustomizationID");
  has("BR-2", "cbc:ID");
  rule("BR-3", /^\d{4}-\d\d-\d\d$/.test(root.text("cbc:IssueDate") ?? ""));
  rule("BR-4, BR-CL-1", root.text(type) === (isInvoice ? "380" : "381"));
  const currency = root.text("cbc:DocumentCurrencyCode") ?? "";
  rule("BR-5, BR-CL-4", Intl.supportedValuesOf("currency").includes(currency));
  has("BR-6", `${SELLER}/cac:PartyLegalEntity/cbc:RegistrationName`);
  has("BR-7", `${BUYER}/cac:PartyLegalEntity/cbc:RegistrationName`);
  rule("BR-8", root.all(`${SELLER}/cac:PostalAddress`).length === 1);
  has("BR-9", `${SELLER}/cac:PostalAddress/cac:Country/cbc:IdentificationCode`);
  rule("BR-10", root.all(`${BUYER}/cac:PostalAddress`).length === 1);
  has("BR-11", `${BUYER}/cac:PostalAddress/cac:Country/cbc:IdentificationCode`);
  rule("BR-16", lines.length > 0);
  if (!isInvoice) has("BR-55", "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID");
  for (const it of root.all("cac:PaymentMeans"))
    rule("BR-49, BR-CL-16", it.text("cbc:PaymentMeansCode") === "68");

  for (const line of lines) {
    has("BR-21", "cbc:ID", line);
    has("BR-22", quantityName, line);
    rule("BR-23, BR-CL-23", line.all(quantityName)[0]?.attribute("unitCode") === "C62");
    has("BR-24", "cbc:LineExtensionAmount", line);
    has("BR-25", "cac:Item/cbc:Name", line);
    rule("BR-27", amount("cac:Price/cbc:PriceAmount", line) >= 0n);
    rule("BR-CO-4", line.text("cac:Item/cac:ClassifiedTaxCategory/cbc:ID") === code);
    rule("BR-O-5", line.text("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent") === rate);
    const quantity = BigInt(line.text(quantityName) ?? "0");
    const base = BigInt(line.text("cac:Price/cbc:BaseQuantity") ?? "1");
    const net = amount("cbc:LineExtensionAmount", line);
    rule("PEPPOL-EN16931-R120", net * base === quantity * amount("cac:Price/cbc:PriceAmount", line));
    for (const it of line.all("cac:Item/cac:AdditionalItemProperty")) {
      has("BR-54", "cbc:Name", it);
      has("BR-54", "cbc:Value", it);
    }
  }
  rule("line ids", new Set(lines.map((it) => it.text("cbc:ID"))).size === lines.length);

  const [net, tax, gross] = [
    amount(`${TOTAL}/cbc:TaxExclusiveAmount`),
    amount("cac:TaxTotal/cbc:TaxAmount"),
    amount(`${TOTAL}/cbc:TaxInclusiveAmount`),
  ];
  const nets = lines.map((it) => amount("cbc:LineExtensionAmount", it));
  rule("BR-CO-10", amount(`${TOTAL}/cbc:LineExtensionAmount`) === sum(nets));
  rule("BR-CO-13", net === sum(nets));
  rule("BR-CO-14", tax === sum(root.all(`${SUBTOTAL}/cbc:TaxAmount`).map((it) => cents(it.content))));
  rule("BR-CO-15", gross === net + tax);
  rule("BR-CO-16", amount(`${TOTAL}/cbc:PayableAmount`) === gross - amount(`${TOTAL}/cbc:PrepaidAmount`));
  rule("BR-CO-18", root.all(SUBTOTAL).length === 1);
  rule("BR-S-8, BR-Z-8, BR-O-8", amount(`${SUBTOTAL}/cbc:TaxableAmount`) === net);
  // Prices include tax. So the tax is rounded from the gross amount, and may differ from this by one minor unit.
  const exact = (net * BigInt(Math.round(Number(rate ?? 0) * 100))) / 10_000n;
  const unit = currency === "JPY" ? 100n : 1n;
  rule("BR-CO-17", !far(tax, exact, 2n * unit));
  const identifiers = ["cac:PartyIdentification/cbc:ID", "cac:PartyLegalEntity/cbc:CompanyID"];
  rule(
    "BR-CO-26",
    identifiers.some((it) => root.text(`${SELLER}/${it}`)),
  );
  const country = root.text(`${SELLER}/cac:PostalAddress/cac:Country/cbc:IdentificationCode`) ?? "";
  for (const it of root.all(`${SELLER}/cac:PartyTaxScheme`))
    if (it.text("cac:TaxScheme/cbc:ID") === "VAT")
      rule("BR-CO-9", (it.text("cbc:CompanyID") ?? "").startsWith(country === "GR" ? "EL" : country));
  for (const it of [
    country,
    root.text(`${BUYER}/cac:PostalAddress/cac:Country/cbc:IdentificationCode`) ?? "",
  ])
    rule("BR-CL-14", /^(?:[A-Z]{2}|1A)?$/.test(it));
  rule("BR-CL-17", ["S", "Z", "O"].includes(code));
  const hasTaxNumber = root.all(`${SELLER}/cac:PartyTaxScheme/cbc:CompanyID`).length > 0;
  if (code === "S") rule("BR-S-2, BR-S-5", hasTaxNumber && Number(rate) > 0);
  if (code === "Z") rule("BR-Z-2, BR-Z-5, BR-Z-9", hasTaxNumber && rate === "0" && tax === 0n);
  if (code === "O") {
    const reason = root.text(`${category}/cbc:TaxExemptionReasonCode`);
    rule("BR-O-2, BR-O-9, BR-O-10", !hasTaxNumber && tax === 0n && reason === "VATEX-EU-O");
  }
  for (const it of root.tree()) {
    rule("PEPPOL-EN16931-R008", it.children.length > 0 || it.content.trim() !== "");
    const own = it.attribute("currencyID");
    rule("BR-CL-3", own === undefined ? !it.name.endsWith("Amount") : own === currency);
    if (own !== undefined) rule("BR-DEC", /^-?\d+(?:\.\d{1,2})?$/.test(it.content));
    rule("order of elements", isInOrder(it));
  }
  return broken;
}

/** UBL's sequences, of those elements that Souk writes. */
const SEQUENCES: Readonly<Record<string, string>> = {
  document:
    "CustomizationID ID IssueDate InvoiceTypeCode CreditNoteTypeCode Note DocumentCurrencyCode OrderReference BillingReference AccountingSupplierParty AccountingCustomerParty PaymentMeans TaxTotal LegalMonetaryTotal InvoiceLine CreditNoteLine",
  "cac:Party": "PartyIdentification PartyName PostalAddress PartyTaxScheme PartyLegalEntity",
  "cac:PostalAddress":
    "StreetName AdditionalStreetName CityName PostalZone CountrySubentity AddressLine Country",
  "cac:PartyTaxScheme": "CompanyID TaxScheme",
  "cac:PaymentMeans": "PaymentMeansCode PaymentID",
  "cac:TaxTotal": "TaxAmount TaxSubtotal",
  "cac:TaxSubtotal": "TaxableAmount TaxAmount TaxCategory",
  "cac:TaxCategory": "ID Percent TaxExemptionReasonCode TaxExemptionReason TaxScheme",
  "cac:ClassifiedTaxCategory": "ID Percent TaxScheme",
  "cac:LegalMonetaryTotal":
    "LineExtensionAmount TaxExclusiveAmount TaxInclusiveAmount PrepaidAmount PayableAmount",
  "cac:InvoiceLine": "ID InvoicedQuantity LineExtensionAmount Item Price",
  "cac:CreditNoteLine": "ID CreditedQuantity LineExtensionAmount Item Price",
  "cac:Item": "Name SellersItemIdentification ClassifiedTaxCategory AdditionalItemProperty",
  "cac:AdditionalItemProperty": "Name Value",
  "cac:Price": "PriceAmount BaseQuantity",
};

function isInOrder({ name, children }: Node): boolean {
  const sequence = (SEQUENCES[name.startsWith("cac:") ? name : "document"] ?? "").split(" ");
  if (children.length < 2) return true;
  const places = children.map((it) => sequence.indexOf(it.name.slice(4)));
  return places.every((it, index) => it >= 0 && it >= (places[index - 1] ?? 0));
}
