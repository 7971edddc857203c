import assert from "node:assert/strict";
import { publicUrl } from "../../../broker/http/public-url.ts";

describe("the public address", () => {
  it("is PUBLIC_URL, else what HOST and PORT can be reached at", () => {
    const at = (PUBLIC_URL: string | undefined, HOST: string) => publicUrl({ PUBLIC_URL, HOST, PORT: 3000 });
    assert.equal(at("https://shop.test/", "0.0.0.0"), "https://shop.test");
    assert.equal(at(undefined, "127.0.0.1"), "http://127.0.0.1:3000");
    assert.equal(at(undefined, "0.0.0.0"), "http://127.0.0.1:3000");
    assert.equal(at(undefined, "::1"), "http://[::1]:3000");
  });
});
