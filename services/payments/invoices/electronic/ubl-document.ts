/**
 * Invoices and credit notes as XML for programs: UBL 2.1 with the contents that EN 16931 asks for. A comment behind an
 * element names the standard's business term. Amounts are those of the PDF.
 */
import { create } from "xmlbuilder2";
import type { Address } from "../../../../broker/contract/schemas.ts";
import type { CreditNote, Invoice, Seller } from "../invoice.model.ts";
import { conforms, isVatId, taxCategory } from "./en16931.ts";
import { netsOfLines } from "./line-nets.ts";
import { decimal, xmlText } from "./xml-values.ts";

const CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/** Child elements by name. Undefined ones are left out: neither standard allows empty elements. */
type Element = { readonly [name: string]: Content | null | undefined };
type Content = string | Element | readonly Element[];

interface Line {
  sku?: string;
  name: string;
  quantity: number;
  /** Including tax. */
  total: number;
  options?: Invoice["lines"][number]["options"];
}

/** @param method what people call the payment provider */
export function ublInvoice(it: Invoice, method: string): string {
  return document(it, {
    root: "Invoice",
    type: { "cbc:InvoiceTypeCode": "380" }, // BT-3
    notes: (it.printed ?? []).map(({ label, text }) => `${label}: ${text}`), // BT-22
    lines: lines(it, it.lines, "InvoiceLine", "InvoicedQuantity"),
    method,
  });
}

export function ublCreditNote(it: CreditNote, method: string): string {
  const refund = { name: it.reason, quantity: 1, total: it.gross };
  return document(it, {
    root: "CreditNote",
    type: { "cbc:CreditNoteTypeCode": "381" },
    notes: [it.reason],
    billing: { "cac:InvoiceDocumentReference": { "cbc:ID": xmlText(it.invoice) } }, // BT-25
    lines: lines(it, [refund], "CreditNoteLine", "CreditedQuantity"),
    method,
  });
}

interface Parts {
  root: "Invoice" | "CreditNote";
  type: Element;
  notes: readonly string[];
  billing?: Element;
  lines: Element;
  method: string;
}

function document(it: Invoice | CreditNote, { root, type, notes, billing, lines, method }: Parts): string {
  const amount = amountIn(it.currency);
  const content: Element = {
    "@xmlns": `urn:oasis:names:specification:ubl:schema:xsd:${root}-2`,
    "@xmlns:cac": CAC,
    "@xmlns:cbc": CBC,
    "cbc:CustomizationID": conforms(it) ? "urn:cen.eu:en16931:2017" : undefined, // BT-24
    "cbc:ID": it.number, // BT-1
    "cbc:IssueDate": it.issuedOn, // BT-2
    ...type,
    "cbc:Note": notes.map((note) => ({ "#": xmlText(note) })),
    "cbc:DocumentCurrencyCode": it.currency, // BT-5
    "cac:OrderReference": { "cbc:ID": xmlText(it.orderNumber) }, // BT-13
    "cac:BillingReference": billing,
    "cac:AccountingSupplierParty": { "cac:Party": seller(it.seller) },
    "cac:AccountingCustomerParty": { "cac:Party": buyer(it.buyer) },
    "cac:PaymentMeans": it.payment && {
      // BT-81 by UNCL 4461: an online payment service; BT-82, BT-83
      "cbc:PaymentMeansCode": { "@name": xmlText(method), "#": "68" },
      "cbc:PaymentID": xmlText(it.payment.receipt ?? it.orderNumber),
    },
    "cac:TaxTotal": {
      "cbc:TaxAmount": amount(it.tax), // BT-110
      "cac:TaxSubtotal": {
        "cbc:TaxableAmount": amount(it.net), // BT-116
        "cbc:TaxAmount": amount(it.tax), // BT-117
        "cac:TaxCategory": taxCategory(it, "document"), // BT-118 to BT-121
      },
    },
    "cac:LegalMonetaryTotal": {
      "cbc:LineExtensionAmount": amount(it.net), // BT-106
      "cbc:TaxExclusiveAmount": amount(it.net), // BT-109
      "cbc:TaxInclusiveAmount": amount(it.gross), // BT-112
      "cbc:PrepaidAmount": amount(it.gross), // BT-113
      "cbc:PayableAmount": amount(0), // BT-115
    },
    ...lines,
  };
  return create({ version: "1.0", encoding: "UTF-8" }, { [root]: present(content) }).end({
    prettyPrint: true,
  });
}

function lines(
  it: Invoice | CreditNote,
  all: readonly Line[],
  name: "InvoiceLine" | "CreditNoteLine",
  quantityName: "InvoicedQuantity" | "CreditedQuantity",
): Element {
  const amount = amountIn(it.currency);
  const nets = netsOfLines(
    all.map(({ total }) => total),
    it.net,
  );
  const line = ({ sku, name: itemName, quantity, options = [] }: Line, index: number): Element => {
    const net = nets[index] ?? 0;
    const unit = net % quantity === 0 ? net / quantity : undefined;
    const pieces = (count: number) => ({ "@unitCode": "C62", "#": String(count) });
    return {
      "cbc:ID": String(index + 1), // BT-126
      [`cbc:${quantityName}`]: pieces(quantity), // BT-129, BT-130
      "cbc:LineExtensionAmount": amount(net), // BT-131
      "cac:Item": {
        "cbc:Name": xmlText(itemName), // BT-153
        "cac:SellersItemIdentification": sku === undefined ? undefined : { "cbc:ID": xmlText(sku) }, // BT-155
        "cac:ClassifiedTaxCategory": taxCategory(it, "line"), // BT-151, BT-152
        "cac:AdditionalItemProperty": options
          .filter((option) => option.name !== "" && option.value !== "")
          .map((option) => ({
            "cbc:Name": xmlText(option.name), // BT-160
            "cbc:Value": xmlText(option.value), // BT-161
          })),
      },
      // BT-146. Where the net of a piece is no whole number of minor units, the price is that of all pieces (BT-149).
      "cac:Price":
        unit === undefined
          ? { "cbc:PriceAmount": amount(net), "cbc:BaseQuantity": pieces(quantity) }
          : { "cbc:PriceAmount": amount(unit) },
    };
  };
  return { [`cac:${name}`]: all.map(line) };
}

function seller({ name, address, taxId, country }: Seller): Element {
  const [line1, line2, ...rest] = address;
  const vat = isVatId(taxId, country);
  return {
    "cac:PartyIdentification": taxId === null ? undefined : { "cbc:ID": xmlText(taxId) }, // BT-29
    "cac:PartyName": { "cbc:Name": xmlText(name) }, // BT-28
    "cac:PostalAddress":
      line1 === undefined && !country
        ? undefined
        : {
            "cbc:StreetName": line1 && xmlText(line1), // BT-35
            "cbc:AdditionalStreetName": line2 && xmlText(line2), // BT-36
            "cac:AddressLine": rest.length > 0 ? { "cbc:Line": xmlText(rest.join(", ")) } : undefined, // BT-162
            "cac:Country": country ? { "cbc:IdentificationCode": country } : undefined, // BT-40
          },
    "cac:PartyTaxScheme":
      taxId === null
        ? undefined
        : {
            "cbc:CompanyID": xmlText(taxId), // BT-31, or BT-32 where it is no VAT identifier
            "cac:TaxScheme": { "cbc:ID": vat ? "VAT" : "TAX" },
          },
    "cac:PartyLegalEntity": { "cbc:RegistrationName": xmlText(name) }, // BT-27
  };
}

function buyer(it: Address): Element {
  return {
    "cac:PostalAddress": {
      "cbc:StreetName": xmlText(it.line1), // BT-50
      "cbc:AdditionalStreetName": it.line2 && xmlText(it.line2), // BT-51
      "cbc:CityName": xmlText(it.city), // BT-52
      "cbc:PostalZone": it.postalCode && xmlText(it.postalCode), // BT-53
      "cbc:CountrySubentity": it.region && xmlText(it.region), // BT-54
      "cac:Country": { "cbc:IdentificationCode": it.country === "XK" ? "1A" : it.country }, // BT-55
    },
    "cac:PartyLegalEntity": { "cbc:RegistrationName": xmlText(it.name) }, // BT-44
  };
}

const amountIn = (currency: string) => (minorUnits: number) => ({
  "@currencyID": currency,
  "#": decimal(minorUnits, currency),
});

/** Without what is undefined or an empty list. */
function present(element: Element): Element {
  const entries = Object.entries(element).flatMap(([name, content]): [string, Content][] => {
    if (content === undefined || content === null || content === "") return [];
    if (typeof content === "string") return [[name, content]];
    if (isList(content)) return content.length === 0 ? [] : [[name, content.map(present)]];
    return [[name, present(content)]];
  });
  return Object.fromEntries(entries);
}

const isList = (content: Element | readonly Element[]): content is readonly Element[] =>
  Array.isArray(content);
