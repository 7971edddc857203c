import assert from "node:assert/strict";
import { ATTACK_STRINGS } from "../../../../../test/support/attack-strings.ts";
import { emailFor } from "../email.ts";

describe("the address for a provider", () => {
  it("is none unless the shop has said so", () => {
    assert.equal(emailFor(undefined, "ann@example.com"), undefined);
    assert.equal(emailFor("off", "ann@example.com"), undefined);
    assert.equal(emailFor("on", null), undefined);
    assert.equal(emailFor("on", "ann@example.com"), "ann@example.com");
  });

  it("is in ASCII, or none", () => {
    assert.equal(emailFor("on", "info@übung.de"), "info@xn--bung-zra.de");
    assert.equal(emailFor("on", "jörg@example.com"), undefined);
    for (const text of Object.values(ATTACK_STRINGS)) {
      assert.equal(emailFor("on", text), undefined);
      assert.equal(emailFor("on", `${text}@example.com, eve@example.com`), undefined);
    }
  });
});
