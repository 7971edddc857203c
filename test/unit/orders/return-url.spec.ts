/** Which pages customers may be sent back to. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SoukError } from "../../../broker/contract/errors.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { orders } from "../../../services/orders/orders.contract.ts";
import { createReturnCheck, returnUrl } from "../../../services/orders/return-url.ts";
import { ATTACK_STRINGS } from "../../support/attack-strings.ts";

const configOf = (variables: Record<string, string>) => loadConfig(variables, [orders]);
const checkAt = (variables: Record<string, string>) => createReturnCheck(configOf(variables));
const check = checkAt({ PUBLIC_URL: "https://shop.example/souk/" });

const fieldOf = ({ data }: SoukError) => (data as { errors?: { field: string }[] }).errors?.[0]?.field;

/** Whether an address passes the contract and then the check, as in a request. */
function passes(url: string, by = check): boolean {
  const { success, data } = returnUrl.safeParse(url);
  if (!success) return false;
  try {
    by(data, "payment.returnUrl");
    return true;
  } catch (error) {
    assert.ok(error instanceof SoukError);
    assert.deepEqual([error.type, fieldOf(error)], ["VALIDATION_FAILED", "payment.returnUrl"]);
    return false;
  }
}

/** Each leads, or may lead in some browser, to another place than the shop's pages. */
const ELSEWHERE = [
  "https://evil.example/",
  "https://shop.example.evil.example/",
  "https://evil.example/shop.example",
  "https://evil.example?https://shop.example",
  "https://evil.example#https://shop.example",
  "https://shop.example@evil.example/",
  "https://shop.example:443@evil.example/",
  "https://ann:secret@shop.example/",
  "https://@shop.example/",
  "https://shop.example%40evil.example/",
  "https://evil.example\\@shop.example/",
  "https://evil.example\\.shop.example/",
  "https:\\\\evil.example/",
  "https:/\\evil.example/",
  "https://shop.example\\evil",
  "//evil.example/",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/thanks",
  "thanks",
  "",
  " https://shop.example/",
  "https://shop.example/ ",
  "https://shop.example/a b",
  "https://shop.example/\u00a0",
  "https://evil.example\u3000.shop.example/",
  "https://shop.example/\r\nSet-Cookie: a=b",
  "https://shop.example/%0d%0a\n",
  "https://sh\top.example/",
  "https://shop.example\u0000.evil.example/",
  "http://shop.example/",
  "https://shop.example:8443/",
  "https://shop.example:80/",
  "https://shop.example./",
  "https://www.shop.example/",
  "https://shop-example/",
  "https://SHOP.EXAMPLE.evil.example/",
  "https://shop.examplе/",
  "https://[::1]/",
  "https://2130706433/",
  "https:shop.example",
  "https:/shop.example",
  "https:///shop.example",
  "https://",
  "javascript:alert(1)",
  "javascript://shop.example/%0aalert(1)",
  "JaVaScRiPt:alert(1)//https://shop.example",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:msgbox",
  "blob:https://shop.example/1",
  "view-source:https://shop.example/",
  "ftp://shop.example/",
  "file:///etc/passwd",
  "ws://shop.example/",
  `https://shop.example/${"a".repeat(1_000)}`,
];

describe("the page that customers come back to", () => {
  it("is one of the shop, by the gateway's public address unless origins are set", () => {
    for (const url of [
      "https://shop.example",
      "https://shop.example/",
      "https://shop.example:443/thanks",
      "HTTPS://Shop.Example/thanks?from=pay&to=a@b.example#/orders",
      // As a browser reads it, the same host.
      "https://shop。example/",
      "https://ｓhop.example/",
    ])
      assert.ok(passes(url), url);
    const local = checkAt({ HOST: "0.0.0.0", PORT: "4000" });
    assert.ok(passes("http://127.0.0.1:4000/thanks", local));
    assert.ok(!passes("http://127.0.0.1:4001/thanks", local));
  });

  it("is nowhere else, however it is written", () => {
    for (const url of [...ELSEWHERE, ...Object.values(ATTACK_STRINGS)])
      assert.ok(!passes(url), JSON.stringify(url));
  });

  it("has one of the origins that are set, and no other", () => {
    const set = checkAt({
      PUBLIC_URL: "https://api.example",
      RETURN_ORIGINS: "https://shop.example, http://localhost:5173/,,HTTPS://Other.example:443",
    });
    for (const url of ["https://shop.example/a", "http://localhost:5173/b", "https://other.example/"])
      assert.ok(passes(url, set), url);
    for (const url of ["https://api.example/", "http://localhost:5174/", "http://localhost/"])
      assert.ok(!passes(url, set), url);
    for (const url of ELSEWHERE) assert.ok(!passes(url, set), url);
    for (const RETURN_ORIGINS of [
      "*",
      "shop.example",
      "https://*.shop.example",
      "https://shop.example/pages",
      "https://shop.example?a",
      "https://ann@shop.example",
      "javascript:alert(1)",
      "null",
    ])
      assert.throws(() => configOf({ RETURN_ORIGINS }), /RETURN_ORIGINS/, RETURN_ORIGINS);
  });

  it("is where a browser goes, whatever the text: nothing that passes has another origin or a user", () => {
    const part = fc.constantFrom(
      ..."https: http: javascript: // / \\ @ : # ? . shop.example evil.example 443 8443 %2f %40 \t \n a".split(
        " ",
      ),
      "\u3002",
      "\uff0f",
      " ",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        for (const url of [
          parts.join(""),
          `https://${parts.join("")}`,
          `https://shop.example${parts.join("")}`,
        ])
          if (passes(url)) {
            const { origin, username, password } = new URL(url);
            assert.deepEqual([origin, username, password], ["https://shop.example", "", ""], url);
          }
      }),
      { numRuns: 5_000 },
    );
  });
});
