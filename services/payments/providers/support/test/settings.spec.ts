import assert from "node:assert/strict";
import { isConfigured } from "../settings.ts";

describe("a provider's settings", () => {
  it("are all there, or none, or name what is missing", () => {
    assert.equal(isConfigured("x", { A: undefined, B: undefined }, { C: undefined }), false);
    assert.equal(isConfigured("x", { A: "1", B: "2" }), true);
    assert.throws(
      () => isConfigured("x", { A: "1", B: undefined }),
      /^ConfigError: B: must be set for x, as A is$/,
    );
    assert.throws(
      () => isConfigured("x", { A: undefined }, { C: "1" }),
      /^ConfigError: A: must be set for x, as C is$/,
    );
  });
});
