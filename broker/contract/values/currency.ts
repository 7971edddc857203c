/**
 * The currencies of ISO 4217 with the digits of their minor units, as of 2026-01. Metals, and codes that are no money
 * (XXX, XTS, XDR …), are left out. `Intl` is no source: it has withdrawn codes, lacks funds, and its digits follow usage,
 * for example for HUF.
 */
const DIGITS: ReadonlyMap<string, number> = new Map(
  (
    [
      [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
      [
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW " +
          "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF " +
          "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK " +
          "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP " +
          "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER " +
          "ZAR ZMW ZWG",
      ],
      [3, "BHD IQD JOD KWD LYD OMR TND"],
      [4, "CLF UYW"],
    ] as const
  ).flatMap(([digits, codes]) => codes.split(" ").map((it) => [it, digits] as const)),
);

/** Exponent of a currency's minor unit: 2 for USD, 0 for JPY. All amounts are in that unit. */
export const minorDigits = (currency: string): number => DIGITS.get(currency) ?? 2;

export const isCurrency = (code: string): boolean => DIGITS.has(code);
