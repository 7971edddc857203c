/** Staff find M-Pesa's payments by phone and by CheckoutRequestID. Over HTTP. */
import assert from "node:assert/strict";
import { newId } from "../../../../../broker/contract/ids.ts";
import { firstAdmin, type Person, signUp } from "../../../../../souk/testing/people.ts";
import { ATTACK_STRINGS } from "../../../../../test/support/attack-strings.ts";
import { openProviderShop, type ProviderShop } from "../../../../../test/support/providers/provider-shop.ts";
import migration from "../migrations/0002-phones.ts";
import { traits } from "./traits.ts";

interface Found {
  items: { id: string; orderId: string; reference: string | null; options: { phone?: string } }[];
  nextCursor: string | null;
}
interface Problem {
  code: string;
  errors?: { field: string }[];
}

describe("finding M-Pesa's payments", function () {
  this.timeout(60_000);
  const price = { amount: 150_000, currency: "KES" };
  let fixture: ProviderShop;
  let admin: Person;

  before(async () => {
    fixture = await openProviderShop(traits);
    admin = await firstAdmin(fixture.shop.http);
  });
  after(() => fixture?.close());

  /** An order whose phone was asked, or could not be. */
  async function asked(phone: string, status = "pending") {
    const { order } = await fixture.order(price, { phone });
    const { id } = await fixture.payment(order.id, (it) => it.status === status);
    return { orderId: order.id, id };
  }
  const find = (query: Record<string, string>) =>
    admin.http.expect<Found>(200, "GET", `/payments?${new URLSearchParams(query)}`);
  const idsBy = async (query: Record<string, string>) => (await find(query)).items.map((it) => it.id);
  const refuse = (query: Record<string, string>) =>
    admin.http.request<Problem>("GET", `/payments?${new URLSearchParams(query)}`);

  it("is by phone, however customer and staff write it, the newest first", async () => {
    const first = await asked("0722 000 111");
    const second = await asked("+254722000111");
    const other = await asked("0722000112");
    for (const phone of ["0722000111", "254722000111", "+254 722 000 111", "722-000-111", "(0722) 000.111"]) {
      assert.deepEqual(await idsBy({ phone }), [second.id, first.id], phone);
      assert.deepEqual(await idsBy({ phone, provider: "mpesa" }), [second.id, first.id], phone);
    }
    assert.deepEqual(await idsBy({ phone: "0722000112" }), [other.id]);
    assert.deepEqual(await idsBy({ phone: "0722000113" }), []);
    const [shown] = (await find({ phone: "0722000112" })).items;
    assert.deepEqual([shown?.options, shown?.orderId], [{ phone: "0722000112" }, other.orderId]);
  });

  it("goes page by page, and together with the other filters", async () => {
    const phone = "0722000222";
    const ids = [];
    for (let n = 0; n < 3; n++) ids.unshift((await asked(phone)).id);
    const [page, next] = [await find({ phone, limit: "2" }), ids.slice(2)];
    assert.deepEqual(
      page.items.map((it) => it.id),
      ids.slice(0, 2),
    );
    assert.deepEqual(await idsBy({ phone, limit: "2", cursor: page.nextCursor ?? "" }), next);
    await fixture.emulator.pay(await fixture.refOf(ids[1] ?? ""), "succeed");
    await fixture.payment(page.items[1]?.orderId ?? "", (it) => it.status === "captured");
    assert.deepEqual(await idsBy({ phone, status: "captured" }), [ids[1]]);
    assert.deepEqual(await idsBy({ phone, status: "refunded" }), []);
  });

  it("is by the number of Safaricom, exactly", async () => {
    const { id } = await asked("0722000333");
    const reference = await fixture.refOf(id);
    assert.deepEqual(await idsBy({ reference }), [id]);
    assert.deepEqual(await idsBy({ reference, provider: "mpesa" }), [id]);
    assert.deepEqual(await idsBy({ reference, provider: "stripe" }), []);
    assert.deepEqual((await find({ reference })).items[0]?.reference, reference);
    assert.deepEqual(await idsBy({ reference: reference.slice(0, -1) }), []);
    assert.deepEqual(await idsBy({ reference: reference.toLowerCase() }), []);
  });

  it("finds what was asked for and could not be opened", async () => {
    fixture.emulator.knobs.api.push({
      times: 100,
      fault: 503,
      route: "POST /mpesa/stkpush/v1/processrequest",
    });
    const { order } = await fixture.order(price, { phone: "0722000444" }, 0);
    const failed = await fixture.payment(order.id, (it) => it.failure !== null);
    assert.equal(failed.status, "requested");
    assert.deepEqual(await idsBy({ phone: "0722000444" }), [failed.id]);
    fixture.emulator.knobs.api.length = 0;
  });

  it("finds payments of an earlier version once they are migrated", async () => {
    const { id } = await asked("+254 722 000 555");
    const database = fixture.shop.node.runtime.database("payments");
    await database
      .collection<{ _id: string }>("payments")
      .updateOne({ _id: id }, { $unset: { "state.foundBy": "" } });
    assert.deepEqual(await idsBy({ phone: "0722000555" }), []);
    await migration.up(database, async () => undefined);
    assert.deepEqual(await idsBy({ phone: "0722000555" }), [id]);
    await migration.down(database, async () => undefined);
    assert.deepEqual(await idsBy({ phone: "0722000555" }), []);
    await migration.up(database, async () => undefined);
  });

  it("refuses what is no phone, and what a provider is not asked by, with the field", async () => {
    for (const phone of ["", "12", "0822000111", "+1 202 555 0100", "0722000111 or 1=1", "2547220001112"]) {
      const { status, body } = await refuse({ phone });
      assert.deepEqual(
        [status, body.code, body.errors?.[0]?.field],
        [422, "VALIDATION_FAILED", "phone"],
        phone,
      );
    }
    for (const provider of ["stripe", "sandbox", "no-such"]) {
      const { status, body } = await refuse({ phone: "0722000111", provider });
      assert.deepEqual([status, body.errors?.[0]?.field], [422, "phone"], provider);
    }
    for (const [name, text] of Object.entries(ATTACK_STRINGS)) {
      const byPhone = await refuse({ phone: text });
      // The address itself is too long.
      if (byPhone.status === 414) continue;
      assert.deepEqual([byPhone.status, byPhone.body.errors?.[0]?.field], [422, "phone"], name);
      const byReference = await admin.http.request<Found & Problem>(
        "GET",
        `/payments?${new URLSearchParams({ reference: text })}`,
      );
      if (byReference.status === 200) assert.deepEqual(byReference.body.items, [], name);
      else
        assert.deepEqual([byReference.status, byReference.body.errors?.[0]?.field], [422, "reference"], name);
    }
    const operators = await admin.http.request<Problem>("GET", "/payments?phone[$ne]=&reference[$gt]=");
    assert.equal(operators.status, 422);
  });

  it("is for staff", async () => {
    const customer = await signUp(fixture.shop.http);
    await customer.http.expect(403, "GET", "/payments?phone=0722000111");
    await fixture.shop.http.expect(401, "GET", `/payments?reference=${newId()}`);
  });
});
