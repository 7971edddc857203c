/**
 * Tax that is included in prices. It is taken out of the whole document, not of each line, and rounded half up to the
 * minor unit. Tax offices expect this commercial rounding, once per rate, as in EN 16931. Net is the rest, so net +
 * tax = gross always.
 */

/** 100 %, in the unit of rates. */
export const BASIS_POINTS = 10_000;

export interface TaxSplit {
  net: number;
  tax: number;
}

/**
 * @param gross minor units, a whole number from 0
 * @param rate basis points on the net price: 1600 is 16 %
 */
export function splitTax(gross: number, rate: number): TaxSplit {
  // gross × rate may exceed 2^53.
  const dividend = BigInt(gross) * BigInt(rate);
  const divisor = BigInt(BASIS_POINTS + rate);
  const tax = Number((2n * dividend + divisor) / (2n * divisor));
  return { net: gross - tax, tax };
}

/**
 * The same for a part of something that was already split. All parts together equal the whole, so the last part
 * absorbs the rounding of the others.
 * @param left what is left of the whole without the other parts; at least `gross`
 */
export function splitWithin(gross: number, rate: number, left: TaxSplit): TaxSplit {
  const least = Math.max(0, gross - left.net);
  const tax = Math.max(least, Math.min(splitTax(gross, rate).tax, left.tax));
  return { net: gross - tax, tax };
}
