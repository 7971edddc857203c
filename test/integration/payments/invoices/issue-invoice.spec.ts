import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type EmbeddedMongo, startEmbeddedMongo } from "@souk/embedded-mongo";
import { newId } from "../../../../broker/contract/ids.ts";
import { migrateDown, migrationsOf } from "../../../../broker/mongo/migrations.ts";
import { systemClock } from "../../../../broker/resilience/clock.ts";
import core from "../../../../services/index.ts";
import { creditNotesOf } from "../../../../services/payments/invoices/read-invoice.ts";
import { eventually } from "../../../../souk/testing/eventually.ts";
import { movableClock } from "../../../../souk/testing/movable-clock.ts";
import {
  commandsOf,
  freeOrder,
  type InvoicingNode,
  openInvoicing,
  paidOrder,
  payHere,
  paymentIdOf,
  refund,
  refundedMessage,
} from "./support.ts";

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

describe("invoices", () => {
  let store: EmbeddedMongo;
  let nodes: InvoicingNode[];
  const clock = movableClock(Date.parse("2026-06-01T12:00:00.000Z"));
  const [first, second] = [() => nodes[0] as InvoicingNode, () => nodes[1] as InvoicingNode];

  beforeEach(async () => {
    store = await startEmbeddedMongo({ dir: ":memory:" });
    nodes = [await openInvoicing(store.uri, { clock }), await openInvoicing(store.uri, { clock })];
    await first().migrate();
  });
  afterEach(async () => {
    await Promise.all(nodes.map((it) => it.close()));
    await store.close();
  });

  const numbers = async (year = 2026) =>
    (await first().invoices.find({ year }).sort({ seq: 1 }).lean()).map((it) => it.seq);

  it("say all that was bought, from whom, by whom and with which tax", async () => {
    const env = {
      SELLER_NAME: "Lamps Ltd",
      SELLER_ADDRESS: "1 Quay | Mombasa",
      TAX_NAME: "VAT",
      TAX_RATE: "1600",
    };
    const node = await openInvoicing(store.uri, { clock, env });
    nodes.push(node);
    const paid = await paidOrder(node);
    await node.issueInvoice(paid);
    const { year, seq, number, issuedAt, issuedOn, ...it } =
      (await node.invoices.findById(paid.subject).lean()) ?? assert.fail("no invoice");
    assert.deepEqual(
      [year, seq, number, issuedAt, issuedOn],
      [2026, 1, "2026-000001", "2026-06-01T12:00:00.000Z", "2026-06-01"],
    );
    assert.deepEqual(it, {
      _id: paid.subject,
      orderNumber: paid.data.number,
      customerId: paid.data.customerId,
      seller: { name: "Lamps Ltd", address: ["1 Quay", "Mombasa"], taxId: null, country: null },
      buyer: paid.data.shippingAddress,
      currency: "USD",
      taxName: "VAT",
      taxRate: 1_600,
      net: 2_155,
      tax: 345,
      gross: 2_500,
      payment: { id: paid.data.paymentId, provider: "sandbox", receipt: "SBX-1" },
      lines: [
        { sku: "A-1", name: "Lamp", quantity: 2, unitPrice: 1_000, total: 2_000 },
        { sku: "B-1", name: "Wick", quantity: 1, unitPrice: 500, total: 500 },
      ],
      paidOn: paid.time.slice(0, 10),
    });
  });

  it("are issued for an order with nothing to pay, which no payment paid", async () => {
    const paid = freeOrder();
    await first().issueInvoice(paid);
    await first().issueInvoice(paid);
    const { number, net, tax, gross, payment } =
      (await first().invoices.findById(paid.subject).lean()) ?? assert.fail("no invoice");
    assert.match(number, /^\d{4}-000001$/);
    assert.deepEqual({ net, tax, gross, payment }, { net: 0, tax: 0, gross: 0, payment: null });
  });

  it("are numbered 1 to 50 by two nodes at once, though messages repeat and the connection breaks", async () => {
    const orders = await Promise.all(upTo(50).map(() => paidOrder(first())));
    let calls = 0;
    for (const { invoices } of nodes) {
      const { collection } = invoices;
      const insertMany = collection.insertMany.bind(collection);
      // Every third insert fails, before or after it was done. The node can't tell which.
      collection.insertMany = async (...args: Parameters<typeof insertMany>) => {
        const turn = calls++;
        if (turn % 6 === 1) throw new Error("the connection broke before");
        const result = await insertMany(...args);
        if (turn % 6 === 4) throw new Error("the connection broke after");
        return result;
      };
    }
    let failures = 0;
    const handle = async (node: InvoicingNode, paid: (typeof orders)[number]): Promise<void> => {
      try {
        await node.issueInvoice(paid);
      } catch (error) {
        assert.match((error as Error).message, /the connection broke/);
        failures++;
        // As the bus does.
        await handle(node, paid);
      }
    };
    const staggered = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await Promise.all(
      orders.flatMap((paid, index) =>
        [first(), second(), second()].map(async (node) => {
          await staggered((index * 7) % 40);
          await handle(node, paid);
        }),
      ),
    );
    assert.ok(failures > 0, "nothing broke");
    assert.deepEqual(await numbers(), upTo(50));
    const issued = await first().invoices.find().lean();
    assert.deepEqual(new Set(issued.map((it) => it._id)), new Set(orders.map((it) => it.subject)));
  });

  it("keep their numbers without a gap when processes that issue them are killed", async function () {
    this.timeout(60_000);
    const script = fileURLToPath(new URL("issuing-process.ts", import.meta.url));
    const open: ChildProcess[] = [];
    const start = async () => {
      const child = spawn(process.execPath, [script, store.uri], { stdio: ["pipe", "pipe", "inherit"] });
      open.push(child);
      const said = createInterface({ input: child.stdout });
      await once(said, "line");
      return { child, said };
    };
    const orderIds = upTo(120).map(() => newId());
    try {
      for (let round = 0; round < 3; round++) {
        const pair = await Promise.all([start(), start()]);
        const done = pair.map(({ said }) => once(said, "line"));
        // Each gets every order.
        for (const { child } of pair) child.stdin.write(`${orderIds.join("\n")}\n`);
        await Promise.race(done);
        for (const { child } of pair) child.kill("SIGKILL");
        await Promise.all(pair.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
        const so = await first().invoices.countDocuments();
        assert.deepEqual(await first().invoices.distinct("seq"), upTo(so));
      }
      const { child } = await start();
      child.stdin.write(`${orderIds.join("\n")}\n`);
      await eventually(
        "all are invoiced",
        async () => (await first().invoices.countDocuments()) >= 120,
        30_000,
      );
    } finally {
      for (const child of open) child.kill("SIGKILL");
    }
    const years = await first().invoices.find().sort({ year: 1, seq: 1 }).lean();
    assert.deepEqual(
      years.map((it) => it.seq),
      upTo(120),
    );
    assert.deepEqual(new Set(years.map((it) => it._id)), new Set(orderIds));
  });

  it("are numbered from memory by a node that is alone, and without a gap when another one joins in", async () => {
    const issue = async (node: InvoicingNode) => node.issueInvoice(await payHere(node));
    await issue(first());
    await issue(first());
    const sent = commandsOf(first());
    const from = () => sent.filter((it) => !it.endsWith(" payments"));
    for (let n = 0; n < 3; n++) await issue(first());
    assert.deepEqual(from(), ["insert invoices", "insert invoices", "insert invoices"]);

    await issue(second());
    await issue(first());
    assert.deepEqual(from().slice(3), ["insert invoices", "find invoices", "insert invoices"]);
    // Now it knows that it is not alone, and looks first.
    await issue(second());
    await issue(first());
    assert.deepEqual(from().slice(6), ["find invoices", "insert invoices"]);

    clock.advance(60_000);
    await issue(first());
    await issue(first());
    assert.deepEqual(from().slice(8), ["find invoices", "insert invoices", "insert invoices"]);
    assert.deepEqual(await numbers(), upTo(11));
  });

  it("take provider and receipt from the node's memory, and read the refunds of many payments together", async () => {
    const paid = await Promise.all(upTo(8).map(() => payHere(first())));
    const sent = commandsOf(first());
    await Promise.all(paid.map((it) => first().issueInvoice(it)));
    assert.deepEqual(sent, ["find invoices", "insert invoices", "find payments"]);
    const issued = await first().invoices.find().lean();
    assert.deepEqual(
      issued.map((it) => it.payment?.receipt),
      paid.map(() => "SBX-2"),
    );
  });

  it("are never given again or changed when the message comes again", async () => {
    const paid = await paidOrder(first());
    await first().issueInvoice(paid);
    const before = await first().invoices.findById(paid.subject).lean();
    clock.advance(60_000);
    await second().issueInvoice(paid);
    assert.deepEqual(await first().invoices.find().lean(), [before]);
  });

  it("begin again at 1 with the year, which begins where the seller is", async () => {
    const turn = movableClock(Date.parse("2026-12-31T20:59:59.999Z"));
    const node = await openInvoicing(store.uri, { clock: turn, env: { SELLER_TIME_ZONE: "Africa/Nairobi" } });
    nodes.push(node);
    const issue = async () => {
      const paid = await paidOrder(node);
      await node.issueInvoice(paid);
      const it = await node.invoices.findById(paid.subject).lean();
      return [it?.number, it?.issuedOn];
    };
    assert.deepEqual(await issue(), ["2026-000001", "2026-12-31"]);
    assert.deepEqual(await issue(), ["2026-000002", "2026-12-31"]);
    turn.advance(1);
    assert.deepEqual(await issue(), ["2027-000001", "2027-01-01"]);
    turn.advance(-1);
    assert.deepEqual(await issue(), ["2026-000003", "2026-12-31"]);
  });

  it("are dated in the order of their numbers, also where a node's clock is behind", async () => {
    const behind = await openInvoicing(store.uri, { clock: { now: () => clock.now() - 90_000 } });
    nodes.push(behind);
    await first().issueInvoice(await paidOrder(first()));
    await behind.issueInvoice(await paidOrder(behind));
    const [one, two] = await first().invoices.find().sort({ seq: 1 }).lean();
    assert.equal(two?.issuedAt, one?.issuedAt);
  });

  it("are refused for an order whose lines do not add up", async () => {
    const paid = await paidOrder(first());
    paid.data.total.amount++;
    await assert.rejects(first().issueInvoice(paid), /do not add up/);
    assert.deepEqual(await numbers(), []);
  });

  it("can be taken back by the migration, and put in place again", async () => {
    const all = await migrationsOf(core.migrations.payments);
    const { connection } = first();
    while (!(await migrateDown(connection, all, "test", systemClock))?.endsWith("-invoices"));
    const left = await connection.collection("invoices").indexes();
    assert.deepEqual(
      left.map((it) => it.name),
      ["_id_"],
    );
    await first().migrate();
    assert.equal((await connection.collection("invoices").indexes()).length, 2);
  });

  describe("after a refund", () => {
    const credits = () => first().creditNotes.find().sort({ seq: 1 }).lean();

    it("stay as they are; a credit note of its own series refers to them", async () => {
      const back = refund(700);
      const paid = await paidOrder(first(), {
        refunds: [back, refund(300, "pending"), refund(200, "failed")],
      });
      await first().issueInvoice(paid);
      const invoice = await first().invoices.findById(paid.subject).lean();
      await Promise.all(nodes.map((it) => it.issueCreditNotes(refundedMessage(paid, back))));
      const [note, ...others] = await credits();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [note?._id, note?.number, note?.invoice, note?.orderId, note?.gross, note?.reason],
        [back.id, "CN-2026-000001", invoice?.number, paid.subject, 700, "The lamp was broken"],
      );
      assert.deepEqual(await first().invoices.findById(paid.subject).lean(), invoice);
    });

    it("credit no more tax than they have, nor less, in however many parts", async () => {
      const node = await openInvoicing(store.uri, { clock, env: { TAX_RATE: "1900" } });
      try {
        const parts = [104, 104, 2_292].map((amount) => refund(amount));
        const paid = await paidOrder(node, { refunds: parts });
        await node.issueInvoice(paid);
        const invoice = await node.invoices.findById(paid.subject).lean();
        const notes = await credits();
        const sum = (of: "net" | "tax" | "gross") => notes.reduce((total, it) => total + it[of], 0);
        assert.deepEqual(
          notes.map((it) => it.gross),
          [104, 104, 2_292],
        );
        assert.deepEqual(
          [sum("net"), sum("tax"), sum("gross")],
          [invoice?.net, invoice?.tax, invoice?.gross],
        );
      } finally {
        await node.close();
      }
    });

    it("can all be listed, as many as a payment has refunds", async () => {
      const parts = Array.from({ length: 120 }, () => refund(1));
      const paid = await paidOrder(first(), { refunds: parts });
      await first().issueInvoice(paid);
      const { items } = await creditNotesOf(first(), {
        params: { id: paid.subject },
        meta: { user: { id: newId(), roles: ["customer", "staff"], scopes: ["payments:read"] } },
        call: () => assert.fail("a note says whose it is"),
      });
      assert.equal(items.length, 120);
    });

    it("are credited though only another node knows yet that the payment was refunded", async () => {
      const paid = await payHere(first());
      const paymentId = paymentIdOf(paid.subject);
      const back = refund(2_500);
      await second().host.apply(paymentId, "payment.refund", {
        refundId: back.id,
        amount: null,
        reason: back.reason,
      });
      await second().host.apply(paymentId, "provider.refunded", { refundId: back.id });
      await second().issueCreditNotes(refundedMessage(paid, back));
      assert.deepEqual(await credits(), []);
      const remembered = await first().host.next(paymentId, 0, 0);
      assert.equal(remembered?.state.status, "captured", "the first node's memory is behind");
      await first().issueInvoice(paid);
      assert.deepEqual(
        (await credits()).map((it) => [it._id, it.gross]),
        [[back.id, 2_500]],
      );
    });

    it("are credited though the refund was told of before the order's payment was", async () => {
      const back = refund(2_500);
      const paid = await paidOrder(first(), { refunds: [back] });
      await second().issueCreditNotes(refundedMessage(paid, back));
      assert.deepEqual(await credits(), []);
      await first().issueInvoice(paid);
      assert.deepEqual(
        (await credits()).map((it) => [it._id, it.gross]),
        [[back.id, 2_500]],
      );
    });
  });
});
