/** What EN 16931 asks of a document beyond its form, and the codes that follow from a seller's settings. */
import { minorDigits } from "../../../../broker/contract/values/currency.ts";
import type { CreditNote, Invoice } from "../invoice.model.ts";
import { BASIS_POINTS } from "../tax.ts";

type Document = Pick<Invoice | CreditNote, "seller" | "taxRate" | "currency" | "tax">;

/**
 * Whether a document may say that it follows EN 16931. The standard asks for the seller's country (BR-9) and an
 * identifier of the seller (BR-CO-26). It knows no amounts with three decimals (BR-DEC).
 */
export const conforms = ({ seller, currency }: Document): boolean =>
  Boolean(seller.country) && seller.taxId !== null && minorDigits(currency) <= 2;

/** A VAT identifier begins with the code of its country (BR-CO-9), which is EL for Greece. */
export function isVatId(taxId: string | null, country: string | null | undefined): boolean {
  if (taxId === null || !country) return false;
  return taxId.startsWith(country === "GR" ? "EL" : country);
}

/**
 * S: taxed. Z: a taxed seller's goods at 0 %. O: not subject to tax, for a seller without a tax number. O has no rate
 * (BR-O-5), and a reason once per document (BR-O-10).
 */
export function taxCategory({ seller, taxRate }: Document, where: "document" | "line") {
  const scheme = { "cac:TaxScheme": { "cbc:ID": "VAT" } };
  if (taxRate === 0 && seller.taxId === null)
    return {
      "cbc:ID": "O",
      "cbc:TaxExemptionReasonCode": where === "document" ? "VATEX-EU-O" : undefined,
      "cbc:TaxExemptionReason": where === "document" ? "Not subject to VAT" : undefined,
      ...scheme,
    };
  return {
    "cbc:ID": taxRate > 0 ? "S" : "Z",
    "cbc:Percent": String((taxRate * 100) / BASIS_POINTS),
    ...scheme,
  };
}
