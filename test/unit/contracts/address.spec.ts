/** Addresses, phones, countries and currencies as clients send them. The ids in titles are those of public reports. */
import assert from "node:assert/strict";
import { addressInput } from "../../../broker/contract/addresses/address-input.ts";
import { isCountry } from "../../../broker/contract/addresses/check-address.ts";
import { POSTAL_CODES } from "../../../broker/contract/addresses/postal-codes.ts";
import { type Address, address } from "../../../broker/contract/schemas.ts";
import { isCurrency, minorDigits } from "../../../broker/contract/values/currency.ts";
import { e164 } from "../../../broker/contract/values/phone.ts";
import { mpesaOptions } from "../../../services/payments/providers/mpesa/phone.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

const to = (country: string, more: Partial<Address> = {}) => ({
  name: "Ann",
  line1: "1 Market Street",
  city: "Town",
  country,
  ...more,
});

/** @returns the fields that are refused, each with its sentence */
const flawsOf = (it: object): Record<string, string> =>
  Object.fromEntries(
    addressInput.safeParse(it).error?.issues.map(({ path, message }) => [path.join("."), message]) ?? [],
  );

describe("An address", () => {
  for (const country of ["HK", "QA", "AE", "KE", "IE", "GH", "UG", "RW", "AO", "PA", "JM", "MO", "BO", "XK"])
    it(`address-no-postcode-${country}: needs no postal code`, () =>
      assert.deepEqual(flawsOf(to(country)), {}));

  for (const country of ["PL", "DE", "US", "JP", "BR", "GB", "IN", "SG", "ZA", "MX"])
    it(`needs a postal code in ${country}`, () => {
      const { example = "" } = POSTAL_CODES[country] ?? {};
      assert.match(flawsOf(to(country)).postalCode ?? "", /^is required in .., such as /);
      assert.deepEqual(flawsOf(to(country, { postalCode: example })), {});
    });

  for (const [country, postalCode] of [
    ["PL", "55-aaa"],
    ["PL", "5-500"],
    ["PL", "555-500"],
    ["DE", "1234"],
    ["DE", "123456"],
    ["US", "1234"],
    ["US", "ABCDE"],
    ["CA", "D1A 1A1"],
    ["GB", "ZZ1 1AA"],
    ["JP", "1234567890"],
    ["NL", "12345"],
    ["KE", "abc"],
    ["BR", "1"],
  ] as const)
    it(`address-wrong-postcode: ${country} has no ${postalCode}`, () =>
      assert.deepEqual(Object.keys(flawsOf(to(country, { postalCode }))), ["postalCode"]));

  for (const [country, postalCode] of [
    ["PL", "00-950"],
    ["PL", "00–950"],
    ["GB", "ec1y 8sy"],
    ["CA", "k1a0b1"],
    ["JP", "１００－０００１"],
    ["JP", "100-0001"],
    ["SA", "١١٥٦٤"],
    ["US", "12345-6789"],
    ["KE", "00100"],
    ["IE", "A65 F4E2"],
    ["HK", "000"],
  ] as const)
    it(`may have ${postalCode} in ${country}`, () => {
      const given = to(country, { postalCode });
      assert.deepEqual(flawsOf(given), {});
      assert.deepEqual(addressInput.parse(given), given, "and it is kept as it was typed");
    });

  it("is in a country that there is", () => {
    for (const it of ["ZZ", "XX", "AA", "UK", "EU", "AC", "us", "USA", "", "__", "constructor"])
      assert.deepEqual(Object.keys(flawsOf(to(it, { postalCode: "12345" }))), ["country"], it);
    assert.equal(Object.keys(POSTAL_CODES).filter(isCountry).length, 250, "249 of ISO 3166-1, and XK");
  });

  it("has a region that there is, where parcels are sorted by it", () => {
    const ny = (region: string) => to("US", { postalCode: "12345", region });
    for (const it of ["NY", "ny", "New York", "new york", "US-NY", "DC", "Puerto Rico"])
      assert.deepEqual(flawsOf(ny(it)), {}, it);
    for (const it of ["XX", "Ontario", "?"])
      assert.match(flawsOf(ny(it)).region ?? "", /region of US, such as/);
    assert.deepEqual(flawsOf(to("BR", { postalCode: "01310-100", region: "Sao Paulo" })), {});
    assert.deepEqual(flawsOf(to("IE", { region: "Connacht" })), {});
  });

  it("keeps the phone number as it was typed, and in E.164", () => {
    const kept = (country: string, phone: string) => {
      const { postalCode: _, ...it } = addressInput.parse(
        to(country, { phone, postalCode: POSTAL_CODES[country]?.example }),
      );
      return [it.phone, it.phoneE164];
    };
    assert.deepEqual(kept("KE", "0729 123 456"), ["0729 123 456", "+254729123456"]);
    assert.deepEqual(kept("GB", "+44 (0)20 7946 0958"), ["+44 (0)20 7946 0958", "+442079460958"]);
    assert.deepEqual(kept("DE", "+1 202 555 0100"), ["+1 202 555 0100", "+12025550100"]);
    const told = addressInput.parse(to("KE", { phone: "0729 123 456", phoneE164: "+15550001111" }));
    assert.equal(told.phoneE164, "+254729123456", "whatever a client says");
    for (const phone of ["12", "abc", "+999 1234567", "+1 555 0100", "0729", "1".repeat(40)])
      assert.deepEqual(Object.keys(flawsOf(to("KE", { phone }))), ["phone"], phone);
  });

  it("of before stays readable: with a code that is refused today, and without one", () => {
    for (const it of [
      to("ZZ", { postalCode: "55-aaa" }),
      to("PL", { postalCode: "55-aaa", phone: "1234" }),
      to("US"),
    ])
      assert.deepEqual(address.parse(it), it);
  });

  it("has the form of its own example in each country, in time that does not grow", () => {
    for (const [country, { form, example = "" }] of Object.entries(POSTAL_CODES)) {
      if (form === undefined) continue;
      assert.deepEqual(flawsOf(to(country, { postalCode: example })), {}, country);
      const begun = performance.now();
      for (const pump of ["1", "A", " ", "-", "A1", "1 "]) {
        flawsOf(to(country, { postalCode: `${pump.repeat(20)}!` }));
        flawsOf(to(country, { postalCode: `${pump.repeat(9)}!` }));
      }
      assert.ok(performance.now() - begun < 100, country);
    }
  });

  it("is refused by the name of the field, or kept as it was sent, whatever attackers send", () => {
    const fields = ["name", "line1", "line2", "city", "region", "postalCode", "country", "phone"] as const;
    for (const [what, it] of Object.entries(ATTACK_STRINGS))
      for (const field of fields) {
        const { error } = addressInput.safeParse({ ...to("IE"), [field]: it });
        if (error)
          assert.deepEqual(
            error.issues.map((one) => one.path[0]),
            error.issues.map(() => field),
            what,
          );
      }
  });
});

describe("A phone number", () => {
  for (const [written, country, number] of [
    ["00254729123456", "KE", "+254729123456"],
    ["+254 0729 123456", "KE", "+254729123456"],
    ["0729 123 456", "KE", "+254729123456"],
    ["254729123456", "KE", "+254729123456"],
    ["0044 20 7946 0958", "FR", "+442079460958"],
    ["011 44 20 7946 0958", "US", "+442079460958"],
    ["٠١٠١٢٣٤٥٦٧٨", "EG", "+201012345678"],
    ["090-1234-5678", "JP", "+819012345678"],
    ["044 123 456", "XK", "+38344123456"],
    ["+12025550100", undefined, "+12025550100"],
    ["020 7946 0958", undefined, undefined],
    ["020 7946 0958", "ZZ", undefined],
  ] as const)
    it(`${written} from ${country ?? "anywhere"} is ${number ?? "none"}`, () =>
      assert.equal(e164(written, country), number));

  for (const written of [
    "00254729123456",
    "+254 0729 123456",
    "0729 123 456",
    "254729123456",
    "729123456",
    "+254-729-123-456",
  ])
    it(`is asked by M-Pesa: ${written}`, () =>
      assert.deepEqual(mpesaOptions.parse({ phone: written }), { phone: "254729123456" }));

  for (const written of ["020 7946 0958", "+44 20 7946 0958", "0202 123456", "07291", "+255 712 345678", "x"])
    it(`is not asked by M-Pesa: ${written}`, () =>
      assert.ok(!mpesaOptions.safeParse({ phone: written }).success));
});

describe("A currency", () => {
  it("is one of ISO 4217", () => {
    for (const it of ["USD", "EUR", "KES", "JPY", "KWD", "CLF", "XOF", "XCG", "SLE", "ZWG", "VED"])
      assert.ok(isCurrency(it), it);
    for (const it of ["ABC", "XXX", "XTS", "XAU", "HRK", "usd", "US", "", "USDT", "BTC"])
      assert.ok(!isCurrency(it), it);
  });

  it("is known to Intl, unless it is a fund or new", () => {
    const known = new Set(Intl.supportedValuesOf("currency"));
    const codes = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].flatMap((a) =>
      [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].flatMap((b) =>
        [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((c) => a + b + c),
      ),
    );
    assert.deepEqual(
      codes.filter((it) => isCurrency(it) && !known.has(it)),
      ["BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", "VED"],
    );
    assert.deepEqual(
      codes.filter((it) => known.has(it) && !isCurrency(it)),
      ["ANG", "BGN", "CUC", "HRK", "SLL", "XDR", "XSU", "ZWL"],
    );
    assert.deepEqual(["USD", "JPY", "KWD", "CLF", "ISK", "HUF"].map(minorDigits), [2, 0, 3, 4, 0, 2]);
  });
});
