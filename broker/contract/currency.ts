/** Digits of each currency's minor unit by ISO 4217. `Intl` follows usage instead, for example for HUF. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
    .split(" ")
    .map((it) => [it, 0] as const),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((it) => [it, 3] as const),
  ...["CLF", "UYW"].map((it) => [it, 4] as const),
]);

/** Exponent of a currency's minor unit: 2 for USD, 0 for JPY. All amounts are in that unit. */
export const minorDigits = (currency: string): number => DIGITS.get(currency) ?? 2;
