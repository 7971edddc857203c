import assert from "node:assert/strict";
import fc from "fast-check";
import { compose, type Facts } from "../../../services/notifications/letters/compose.ts";
import { layout } from "../../../services/notifications/letters/layout.ts";
import { renderHtml } from "../../../services/notifications/letters/render-html.ts";
import { renderText } from "../../../services/notifications/letters/render-text.ts";
import { languageOf, languages } from "../../../services/notifications/letters/texts/languages.ts";
import { notificationKind } from "../../../services/notifications/notifications.schemas.ts";
import { orderView } from "../../../services/orders/orders.contract.ts";
import { orderExample } from "../../../services/orders/orders.examples.ts";

const SHOP = { name: "Souk & Sons", timeZone: "UTC" };
const order = orderView.parse(orderExample);
const factsOf = (changes: Partial<Facts> = {}): Facts => ({
  kind: "order_placed",
  about: { orderId: order.id, orderNumber: order.number },
  name: "Ann",
  order,
  url: "https://shop.example/orders/1",
  unsubscribeUrl: null,
  ...changes,
});

/** What a mail program would take for markup of ours. */
const markupOf = (html: string): string[] => html.match(/<[a-z!/][^>]*>/gi) ?? [];

describe("Letters", () => {
  it("say the same in every language: each kind has the same values", () => {
    const values = (text = "") => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const [language, texts] of Object.entries(languages))
      for (const kind of notificationKind.options)
        for (const part of ["subject", "title", "text", "short", "button", "note"] as const) {
          const english = languages.en?.kinds[kind][part];
          const other = texts.kinds[kind][part];
          assert.equal(other === undefined, english === undefined, `${language} ${kind} ${part}`);
          assert.deepEqual(
            [...new Set(values(other))],
            [...new Set(values(english))],
            `${language} ${kind} ${part}`,
          );
        }
  });

  it("leave no value out, in any kind and language", () => {
    for (const language of Object.keys(languages))
      for (const kind of notificationKind.options) {
        const about = { ...factsOf().about, sku: "TEA-1", count: 3, url: "https://hook.example" };
        const letter = compose(factsOf({ kind, about }), language, SHOP);
        for (const text of [renderHtml(letter), renderText(letter), letter.subject, letter.short])
          assert.doesNotMatch(text, /\{\w+\}|\[\[\w+\]\]|undefined/, `${language} ${kind}`);
      }
  });

  it("take a customer's text for text, whatever it is", () => {
    const plain = markupOf(renderHtml(compose(factsOf({ name: "x" }), "en", SHOP)));
    const tricky = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 200 }),
      fc.constantFrom(
        "{{7*7}}",
        "$1",
        "[[title]]",
        "{shop}",
        "<!--end-->",
        "<!--rows-->",
        "%s",
        "$&",
        "<script>",
      ),
    );
    fc.assert(
      fc.property(tricky, (name) => {
        const html = renderHtml(compose(factsOf({ name }), "en", SHOP));
        assert.deepEqual(markupOf(html), plain);
        const shown = name.replace(
          /[&<>"']/g,
          (it) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "#39" }[it]};`,
        );
        assert.ok(name.includes("\n") || html.includes(`Hello ${shown},`));
      }),
    );
  });

  it("show amounts and times as people of that language write them", () => {
    const expiresAt = "2026-11-27T09:30:00.000Z";
    const facts = factsOf({
      kind: "order_refunded",
      about: { amount: { amount: 123_456, currency: "EUR" }, expiresAt },
    });
    assert.match(
      renderText(compose(facts, "de-DE", SHOP)),
      /1\.234,56\s€[\s\S]*27\. November 2026 um 09:30:00 UTC/,
    );
    assert.match(renderText(compose(facts, "en", SHOP)), /€1,234\.56/);
    const yen = factsOf({ kind: "order_refunded", about: { amount: { amount: 500, currency: "JPY" } } });
    assert.match(renderText(compose(yen, "en", SHOP)), /¥500\n/);
  });

  it("are in English where there are no texts in the shop's language, and from right to left in Arabic", () => {
    assert.equal(languageOf("sw-KE").locale, "en");
    assert.equal(languageOf("de-AT").locale, "de-AT");
    const html = renderHtml(compose(factsOf(), "ar", SHOP));
    assert.match(html, /<html lang="ar" dir="rtl"/);
    assert.match(html, /text-align:right/);
    assert.doesNotMatch(html, /direction:ltr| align="left"/);
  });

  it("have a layout whose blocks can be left out or repeated", () => {
    for (const [type, template] of layout.blocks) {
      const html = template.join("");
      for (const tag of ["table", "tr", "td", "div"])
        assert.equal(html.split(`<${tag}`).length, html.split(`</${tag}>`).length, `${type} ${tag}`);
      assert.equal(html.split("<!--[if").length, html.split("<![endif]-->").length, type);
    }
    assert.deepEqual([...layout.blocks.keys()].sort(), ["button", "facts", "lines", "note", "text"]);
  });
});
