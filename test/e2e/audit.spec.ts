/** The audit log of a shop, over HTTP: what staff see of it, and the messages of an order as a tree. */
import assert from "node:assert/strict";
import { differences } from "../../broker/actor/replay.ts";
import { actorsOf, logOfOrder, rebuild } from "../../scripts/support/rebuild-order.ts";
import type { AuditEntry, TimelineEntry } from "../../services/audit/audit.schemas.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { firstAdmin, type Person, paidOrder, putOnSale, signUp } from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

const search = (query: Record<string, string>) => `?${new URLSearchParams(query)}`;

describe("The audit log over HTTP", function () {
  this.timeout(60_000);
  let shop: Shop;
  let admin: Person;
  let orderId: string;

  before(async () => {
    shop = await startShop();
    admin = await firstAdmin(shop.http);
    const ann = await signUp(shop.http);
    const { sku } = await putOnSale(admin, { price: 1_000 });
    ({ id: orderId } = await paidOrder(ann, sku));
    await eventually("the delivery is in the log", async () =>
      (await timeline()).some((it) => it.type === "delivery.created"),
    );
  });
  after(() => shop.stop());

  const list = async (query: Record<string, string>) =>
    (await admin.http.expect<Page<AuditEntry>>(200, "GET", `/audit${search(query)}`)).items;
  const all = async <T>(path: string, query: Record<string, string> = {}) => {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const given: Record<string, string> = { ...query, ...(cursor === null ? {} : { cursor }) };
      const page: Page<T> = await admin.http.expect<Page<T>>(200, "GET", path + search(given));
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  };
  const timeline = async () => {
    const { status, body } = await admin.http.request<Page<TimelineEntry>>(
      "GET",
      `/orders/${orderId}/timeline?limit=100`,
    );
    return status === 200 ? body.items : [];
  };

  it("has the messages of an order as a tree without gaps, from the request on", async () => {
    const tree = await timeline();
    const [first] = tree;
    assert.equal(first?.type, "order.place");
    assert.equal(first.applied, true);
    assert.ok(tree.every((it) => !it.causeMissing && it.missingBefore === 0));
    const types = new Set(tree.map((it) => it.type));
    for (const type of [
      "stock.reserve",
      "stock.reserved",
      "payment.request",
      "payment.captured",
      "order.paid",
    ])
      assert.ok(types.has(type), `${type} is not among ${[...types].join(", ")}`);
    const reserved = tree.find((it) => it.type === "stock.reserved");
    assert.ok(reserved && reserved.depth > 0);
    assert.deepEqual(
      await all<TimelineEntry>(`/orders/${orderId}/timeline`, { limit: "3" }),
      await timeline(),
    );
  });

  it("has no messages of an order that there is not", async () => {
    const unknown = "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21";
    await admin.http.expect(404, "GET", `/orders/${unknown}/timeline`);
  });

  it("is listed newest first, by each filter, in pages that miss and repeat nothing", async () => {
    const [paid] = await list({ type: "order.paid" });
    assert.equal(paid?.subject, orderId);
    assert.equal(paid.erased, false);
    assert.equal((paid.data as { paymentId?: string }).paymentId?.length, 36);
    const flow = paid.correlationId ?? "";
    assert.ok((await list({ correlationId: flow, limit: "100" })).every((it) => it.correlationId === flow));
    const about = await all<AuditEntry>("/audit", { subject: orderId, limit: "4" });
    assert.ok(about.length > 5 && about.every((it) => it.subject === orderId));
    assert.equal(new Set(about.map((it) => it.id)).size, about.length);
    const times = about.map((it) => it.recordedAt);
    assert.deepEqual(times, times.toSorted().toReversed());
    const middle = times[2] ?? "";
    const before = await all<AuditEntry>("/audit", { subject: orderId, to: middle });
    const since = await all<AuditEntry>("/audit", { subject: orderId, from: middle });
    assert.deepEqual([...since, ...before], about);
    assert.deepEqual(await list({ from: "2020-01-01T00:00:00.000Z", to: "2020-01-02T00:00:00.000Z" }), []);
  });

  it("rebuilds the order, its payment and its delivery as they are stored, and the order as it was", async () => {
    const { souk } = shop.node.broker;
    const messages = await logOfOrder(souk.database("audit"), orderId);
    const rebuilt = rebuild(actorsOf(souk.config), messages, orderId);
    assert.deepEqual(
      rebuilt.map((it) => it.actor.type),
      ["order", "payment", "delivery"],
    );
    for (const { actor, id, state, steps } of rebuilt) {
      const stored = await souk
        .database(actor.service)
        .collection<{ _id: string; state: object }>(actor.collection)
        .findOne({ _id: id });
      assert.deepEqual(differences(state, stored?.state), [], actor.type);
      assert.ok(steps.every((it) => !it.note?.startsWith("fails")));
    }
    const captured = messages.find((it) => it.type === "payment.captured");
    const [before] = rebuild(actorsOf(souk.config), messages, orderId, Date.parse(captured?.time ?? "") - 1);
    assert.equal(before && Reflect.get(before.state ?? {}, "status"), "awaiting_payment");
  });

  it("tells what other code would have made of the same messages", async () => {
    const { souk } = shop.node.broker;
    const messages = await logOfOrder(souk.database("audit"), orderId);
    const actors = actorsOf(souk.config);
    const deaf = actors.map((it) => ({
      ...it,
      receive: (...[state, message]: Parameters<typeof it.receive>) =>
        message.type === "payment.captured" ? { state } : it.receive(state, message),
    }));
    const [now] = rebuild(actors, messages, orderId);
    const [other] = rebuild(deaf, messages, orderId);
    const found = differences(now?.state, other?.state);
    assert.ok(
      found.some((it) => /^status: "paid" \/ "awaiting_payment"$/.test(it)),
      found.join("\n"),
    );
  });

  it("has what staff did, and who", async () => {
    const acts = await eventually("recorded", async () => {
      const found = await list({ actor: admin.id, type: "staff.acted" });
      return found.length > 0 && found;
    });
    assert.ok(acts.every((it) => it.subject === admin.id));
  });
});
