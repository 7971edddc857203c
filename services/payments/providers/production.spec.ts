import assert from "node:assert/strict";
import fc from "fast-check";
import { coreProviders } from "./create-providers.ts";
import { checkAddresses, testVariables } from "./production.ts";

describe("settings of a payment provider in production", () => {
  const refused = (X_API_BASE: string): boolean => {
    try {
      checkAddresses({ X_API_BASE });
      return false;
    } catch (error) {
      assert.match((error as Error).message, /^X_API_BASE: /);
      return true;
    }
  };

  it("are addresses of the provider, by https and on another machine", () => {
    for (const address of [
      "http://api.stripe.com",
      "HTTP://API.STRIPE.COM",
      "https://localhost",
      "https://localhost.:1",
      "https://emulator.localhost/x",
      "https://0.0.0.0",
      "https://0x7f000001",
      "https://[::]",
      "https://[::1]:4100",
      "https://[::ffff:7f00:1]",
    ])
      assert.ok(refused(address), address);
    for (const address of [
      "https://api.stripe.com",
      "https://127.example",
      "sk_live_x",
      "",
      "https://10.0.0.1",
    ])
      assert.ok(!refused(address), address);
  });

  it("are refused on every address that means this machine", () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), (rest) =>
        refused(`https://127.${rest.join(".")}/`),
      ),
    );
  });

  it("are known to be of a test mode", () => {
    const given = {
      A: "sk_test_x",
      B: "sk_live_x",
      C: "https://api-m.sandbox.paypal.com",
      D: "https://api-m.paypal.com",
      E: "https://sandbox.safaricom.co.ke",
      F: "SB-Mid-server-x",
      G: undefined,
      H: "xnd_development_x",
    };
    assert.deepEqual(testVariables(given), ["C", "E"]);
    const found = coreProviders.flatMap((it) => testVariables(given, it.testKey));
    assert.deepEqual([...new Set(found)].sort(), ["A", "C", "E", "F", "H"]);
  });
});
