import assert from "node:assert/strict";
import { eventually } from "../../souk/testing/eventually.ts";
import {
  type Article,
  firstAdmin,
  order,
  type Person,
  paidOrder,
  putOnSale,
  signUp,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { readPdf } from "../support/read-pdf.ts";

describe("an invoice over HTTP", () => {
  let shop: Shop;
  let customer: Person;
  let admin: Person;
  let article: Article;

  before(async function () {
    this.timeout(30_000);
    shop = await startShop();
    admin = await firstAdmin(shop.http);
    article = await putOnSale(admin, { price: 1_299 });
    customer = await signUp(shop.http);
  });
  after(() => shop?.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${shop.url}/api/v1${path}`, {
      headers: { authorization: `Bearer ${customer.accessToken}`, ...headers },
    });
  const pdfAt = (path: string) =>
    eventually(`GET ${path}`, async () => {
      const reply = await get(path);
      return reply.status === 200 && reply;
    });

  it("is not there before the order is paid, with a code that says so", async () => {
    const { id } = await order(customer, article.sku);
    const { body } = await customer.http.request<{ code: string }>("GET", `/orders/${id}/invoice.pdf`);
    assert.deepEqual([(body as { status?: number }).status, body.code], [404, "INVOICE_NOT_ISSUED"]);
  });

  it("is a PDF to look at and to save, with what was bought, and is not sent twice", async () => {
    const { id, number } = await paidOrder(customer, article.sku, 3);
    const reply = await pdfAt(`/orders/${id}/invoice.pdf`);
    assert.equal(reply.headers.get("content-type"), "application/pdf");
    assert.match(
      reply.headers.get("content-disposition") ?? "",
      /^inline; filename="invoice-\d{4}-\d{6}\.pdf"$/,
    );
    assert.match(reply.headers.get("cache-control") ?? "", /private/);
    const { text, info } = await readPdf(new Uint8Array(await reply.arrayBuffer()));
    for (const part of [number, article.sku, "$12.99", "$38.97", "Sandbox", "Ann", "Page 1 of 1"])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    assert.ok(!text.includes("0 %"), "there is no tax");
    assert.match(String(info.Title), /^Invoice \d{4}-\d{6}$/);

    const again = await get(`/orders/${id}/invoice.pdf`, {
      "if-none-match": reply.headers.get("etag") ?? "",
    });
    assert.deepEqual([again.status, await again.text()], [304, ""]);
  });

  it("is there for programs too, with a credit note, to those who may see the PDF", async () => {
    const { id, number, payment } = await paidOrder(customer, article.sku, 2);
    const reply = await pdfAt(`/orders/${id}/invoice.xml`);
    assert.equal(reply.headers.get("content-type"), "application/xml");
    assert.match(reply.headers.get("content-disposition") ?? "", /filename="invoice-\d{4}-\d{6}\.xml"$/);
    const xml = await reply.text();
    for (const part of [`<cbc:ID>${number}</cbc:ID>`, ">25.98<", 'name="Sandbox"', article.sku])
      assert.ok(xml.includes(part), `${part} is not in:\n${xml}`);
    const other = await signUp(shop.http);
    await other.http.expect(404, "GET", `/orders/${id}/invoice.xml`);

    await admin.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
      body: { amount: 299, reason: "A scratch" },
      headers: { "idempotency-key": "scratch-xml" },
    });
    const note = await eventually("the credit note", async () => {
      const { items } = await customer.http.expect<{ items: { number: string; invoice: string }[] }>(
        200,
        "GET",
        `/orders/${id}/credit-notes`,
      );
      return items[0];
    });
    const credited = await (await pdfAt(`/orders/${id}/credit-notes/${note.number}/credit-note.xml`)).text();
    for (const part of [note.invoice, "A scratch", ">2.99<", "<CreditNote "])
      assert.ok(credited.includes(part), `${part} is not in:\n${credited}`);
  });

  it("has the options of what was bought, and names of any script (invoice-Arabic)", async () => {
    const shirt = await putOnSale(admin, { price: 500, name: "قميص 衬衫", options: { Größe: "M" } });
    const { id } = await paidOrder(customer, shirt.sku, 1);
    const reply = await pdfAt(`/orders/${id}/invoice.pdf`);
    const { text } = await readPdf(new Uint8Array(await reply.arrayBuffer()));
    for (const part of ["قميص", "衬衫", "Größe: M"])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
  });

  it("is followed by a credit note when money goes back", async () => {
    const { id, payment } = await paidOrder(customer, article.sku, 2);
    await admin.http.expect(201, "POST", `/payments/${payment?.id}/refunds`, {
      body: { amount: 299, reason: "A scratch" },
      headers: { "idempotency-key": "scratch" },
    });
    const note = await eventually("the credit note", async () => {
      const path = `/orders/${id}/credit-notes`;
      const { items } = await customer.http.expect<{ items: { number: string; invoice: string }[] }>(
        200,
        "GET",
        path,
      );
      return items[0];
    });
    const reply = await pdfAt(`/orders/${id}/credit-notes/${note.number}`);
    const { text } = await readPdf(new Uint8Array(await reply.arrayBuffer()));
    for (const part of [note.number, note.invoice, "A scratch", "$2.99"])
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
  });
});
