import assert from "node:assert/strict";
import type { Connection } from "mongoose";
import type { Tapped } from "../../../broker/bus/bus.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { Appender, type AppendTools } from "../../../services/audit/log/append-messages.ts";
import { entriesOf } from "../../../services/audit/log/block.ts";
import { Blocks } from "../../../services/audit/log/blocks.ts";
import { PersonKeys } from "../../../services/audit/personal/keys.ts";
import { readMessages } from "../../../services/audit/reading/read-messages.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

const DAY = 86_400_000;
const MIDNIGHT = Date.parse("2026-11-27T00:00:00.000Z");

describe("The audit log", () => {
  let clock: ReturnType<typeof movableClock>;
  let memory: MemoryDatabase;
  let database: Connection;
  let blocks: Blocks;
  let keys: PersonKeys;
  let logs = 0;

  before(async () => {
    memory = await openMemoryDatabase();
  });
  after(() => memory.close());

  beforeEach(async () => {
    clock = movableClock(MIDNIGHT + 1_000);
    database = memory.service(`audit${logs++}`);
    const folder = new URL("../../../services/audit/migrations/", import.meta.url);
    await migrateUp(database, await migrationsOf([folder]), "test", clock);
    blocks = new Blocks(database);
    keys = new PersonKeys(database, clock);
  });

  const writer = (crashPoints?: AppendTools["crashPoints"]) =>
    new Appender({ blocks, keys, clock, ...(crashPoints && { crashPoints }) });
  const message = (type: string, data: unknown = {}, subject = newId()): Tapped => ({
    applied: false,
    message: {
      specversion: "1.0",
      id: newId(),
      source: "/test",
      type,
      subject,
      time: "2026-11-27T00:00:00.000Z",
      datacontenttype: "application/json",
      data,
      correlationid: "flow",
    },
  });
  const several = (count: number) => Array.from({ length: count }, () => message("test.said"));
  const idsOf = (batch: readonly Tapped[]) => batch.map((it) => it.message.id);
  const stored = async () =>
    (await blocks.collection.find({}).sort({ _id: 1 }).toArray()).flatMap((it) => entriesOf(it));
  const read = (after: string | null = null, types?: string[], limit = 1_000) =>
    readMessages({ blocks, keys }, { after, types, limit });

  it("keeps each message once, in one order, with numbers from 1 for each day", async () => {
    const first = writer();
    const batch = several(3);
    const [one, two, three] = batch as [Tapped, Tapped, Tapped];
    await first.append([one, two, one]);
    await first.append([two, three]);
    clock.advance(DAY);
    const next = several(2);
    await first.append(next);
    const entries = await stored();
    assert.deepEqual(
      entries.map((it) => [it.id, it.recordedAt.slice(0, 10), it.seq]),
      [
        ...idsOf(batch).map((id, i) => [id, "2026-11-27", i + 1]),
        ...idsOf(next).map((id, i) => [id, "2026-11-28", i + 1]),
      ],
    );
  });

  it("is one chain when two nodes write at once, with clocks that differ and the same messages", async () => {
    const ahead = new Appender({ blocks, keys, clock: { ...clock, now: () => clock.now() + DAY } });
    const writers = [writer(), ahead, writer()];
    const batches = Array.from({ length: 12 }, () => several(5));
    await Promise.all(
      writers.flatMap((it, i) => batches.map((batch) => it.append(i === 1 ? batch.toReversed() : batch))),
    );
    const entries = await stored();
    assert.equal(entries.length, 60);
    assert.deepEqual(new Set(entries.map((it) => it.id)), new Set(idsOf(batches.flat())));
    const times = entries.map((it) => it.recordedAt);
    assert.deepEqual(times, times.toSorted());
  });

  for (const point of ["before-insert", "after-insert", "before-destroy"] as const)
    it(`has everything once when its writer dies ${point}, and the messages come again`, async () => {
      const person = newId();
      const before = several(2);
      await writer().append(before);
      const batch = [
        ...several(2),
        message("order.placed", { customerId: person, name: "Ann" }),
        message("user.erased", { userId: person }, person),
      ];
      const dies = writer(async (at) => {
        if (at === point) throw new Error("killed");
      });
      await assert.rejects(dies.append(batch), /killed/);
      await writer().append([...batch, ...before]);
      assert.deepEqual(
        (await stored()).map((it) => it.id),
        idsOf([...before, ...batch]),
      );
      const { messages } = await read();
      assert.equal(messages.find((it) => it.message.type === "order.placed")?.erased, true);
    });

  it("keeps a person's data unreadable without a key, and loses it with the key", async () => {
    const [ann, bob] = [newId(), newId()];
    const placed = (customerId: string, name: string) => message("order.placed", { customerId, name });
    const log = writer();
    await log.append([
      placed(ann, "Ann Example"),
      placed(bob, "Bob Example"),
      message("user.registered", { email: "ann@example.com" }, ann),
    ]);
    const raw = (await stored()).map((it) => JSON.stringify(it)).join("");
    assert.doesNotMatch(raw, /Example|example/);
    const { messages } = await read();
    assert.deepEqual(
      messages.map((it) => it.message.data),
      [
        { customerId: ann, name: "Ann Example" },
        { customerId: bob, name: "Bob Example" },
        { email: "ann@example.com" },
      ],
    );

    await log.append([message("user.erased", { userId: ann }, ann)]);
    await writer().append([placed(ann, "Ann Late")]);
    const after = (await read()).messages;
    assert.deepEqual(
      after.map((it) => [it.message.type, it.erased, it.message.data]),
      [
        ["order.placed", true, null],
        ["order.placed", false, { customerId: bob, name: "Bob Example" }],
        ["user.registered", true, null],
        ["user.erased", false, { userId: ann }],
        ["order.placed", true, null],
      ],
    );
  });

  it("is read from any position on, by type, and goes on where it ended", async () => {
    const log = writer();
    const wanted: string[] = [];
    for (let block = 0; block < 25; block++) {
      const batch = [message("test.said"), message("test.other"), message("test.said")];
      wanted.push(...idsOf(batch.filter((it) => it.message.type === "test.said")));
      await log.append(batch);
    }
    const found: string[] = [];
    let after: string | null = null;
    for (let more = true; more; ) {
      const page = await read(after, ["test.said"], 7);
      found.push(...page.messages.map((it) => it.message.id));
      after = page.next;
      more = page.more;
    }
    assert.deepEqual(found, wanted);
    assert.deepEqual((await read(after, ["test.said"])).messages, []);
    const last = message("test.said");
    await log.append([last]);
    assert.deepEqual(
      (await read(after, ["test.said"])).messages.map((it) => it.message.id),
      idsOf([last]),
    );
  });
});
