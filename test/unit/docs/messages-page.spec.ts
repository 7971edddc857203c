import assert from "node:assert/strict";
import { messageSenders, namedInCalls, type Senders } from "../../../scripts/support/docs/message-senders.ts";
import { messagesPage } from "../../../scripts/support/docs/messages-page.ts";
import core from "../../../services/index.ts";

describe("The senders of messages", () => {
  const senders = messageSenders(core.contracts);

  it("are found in calls, and only there", () => {
    const code = `
      const a = send("door.open", id, {});
      await tools.answer("door.opened", id, {} as Data);
      outbox.entry(late ? "door.late" : "door.early", id);
      host.apply(id, "door.paint", {});
      if (message.type === "door.seen") rows["door.row"] = "door.value";`;
    const types = ["open", "opened", "late", "early", "paint", "seen", "row", "value"].map(
      (it) => `door.${it}`,
    );
    assert.deepEqual(namedInCalls(code, [...types, "gate.open"]).applied, ["door.paint"]);
    assert.deepEqual(namedInCalls(code, types).sent, ["door.open", "door.opened", "door.late", "door.early"]);
    const template = ["send(`door.o", "{x}`, id)"].join("$");
    assert.deepEqual(namedInCalls(template, types).sent, ["door.open", "door.opened"]);
  });

  it("are known of every message", () => {
    for (const [type, { sent, applied }] of senders) assert.ok(sent.size + applied.size > 0, type);
  });

  it("of events and replies are the services that declare them", () => {
    for (const { service, messages } of core.contracts)
      for (const [type, { kind }] of Object.entries(messages))
        if (kind === "event" || kind === "reply")
          assert.deepEqual([...(senders.get(type)?.sent ?? [])], [service], type);
  });
});

describe("The page of messages", () => {
  const page = messagesPage(core.contracts, messageSenders(core.contracts));

  it("has each message once, but timers", () => {
    for (const { messages } of core.contracts)
      for (const [type, { kind }] of Object.entries(messages))
        assert.equal(page.split(`\n| \`${type}\` |`).length - 1, kind === "timer" ? 0 : 1, type);
  });

  it("says who sends and who receives, and draws it", () => {
    for (const text of [
      "| `stock.reserve` | command | Hold units for an order | orderId, quantity | orders | inventory: actor stock |",
      "| sku, quantity, generation | inventory | orders: actor order |",
      "| orders | cart: worker dropBought<br/>notifications: worker hear<br/>payments: worker issueInvoice<br/>reports: worker record |",
      "| `order.placed` | event | An order was placed | number, customerId, ext, total | orders | notifications: worker hear<br/>reports: worker record |",
      "| orders | orders: actor order, inline |",
      "  inventory -->|stock.depleted<br/>stock.replenished| products",
    ])
      assert.ok(page.includes(text), text);
  });

  it("has no sender or receiver for what has none", () => {
    const none = new Map<string, Senders>();
    const [first] = core.contracts.filter((it) => it.service === "delivery");
    assert.ok(first);
    assert.match(
      messagesPage([first], none),
      /\| `delivery.shipped` \| event \| [^|]+ \| deliveryId, tracking \| {2}\| whoever listens \|/,
    );
  });
});
