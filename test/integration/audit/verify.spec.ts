import assert from "node:assert/strict";
import { Binary } from "mongodb";
import type { Connection } from "mongoose";
import type { Tapped } from "../../../broker/bus/bus.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { migrateUp, migrationsOf } from "../../../broker/mongo/migrations.ts";
import { Appender } from "../../../services/audit/log/append-messages.ts";
import { type Block, blockOf, entriesOf, headOf } from "../../../services/audit/log/block.ts";
import { Blocks } from "../../../services/audit/log/blocks.ts";
import { HASH_BYTES } from "../../../services/audit/log/chain.ts";
import { dropOldDays, droppedDays } from "../../../services/audit/log/kept-days.ts";
import { PersonKeys } from "../../../services/audit/personal/keys.ts";
import { type Anchor, verifyLog } from "../../../services/audit/verifying/verify-log.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

const DAY = 86_400_000;

/** Three days of two blocks with three entries each. Block 3 has the entries 1 to 3 of the second day. */
describe("A verification of the audit log", () => {
  let memory: MemoryDatabase;
  let database: Connection;
  let blocks: Blocks;
  let clock: ReturnType<typeof movableClock>;
  let log: Appender;
  let logs = 0;

  before(async () => {
    memory = await openMemoryDatabase();
  });
  after(() => memory.close());

  beforeEach(async () => {
    clock = movableClock(Date.parse("2026-11-26T10:00:00.000Z"));
    database = memory.service(`verified${logs++}`);
    const folder = new URL("../../../services/audit/migrations/", import.meta.url);
    await migrateUp(database, await migrationsOf([folder]), "test", clock);
    blocks = new Blocks(database);
    log = new Appender({ blocks, keys: new PersonKeys(database, clock), clock });
    for (let day = 0; day < 3; day++) {
      await log.append(several(3));
      await log.append(several(3));
      clock.advance(DAY);
    }
  });

  const several = (count: number): Tapped[] =>
    Array.from({ length: count }, (_, n) => ({
      applied: false,
      message: {
        specversion: "1.0",
        id: newId(),
        source: "/test",
        type: "test.said",
        subject: newId(),
        time: "2026-11-26T00:00:00.000Z",
        datacontenttype: "application/json",
        data: { n },
      },
    }));
  const verify = (options: { day?: string; anchors?: Anchor[] } = {}) => verifyLog(blocks, database, options);
  const block = async (_id: number): Promise<Block> => {
    const found = await blocks.collection.findOne({ _id });
    assert.ok(found);
    return found;
  };
  const lines = ({ body }: Block) => Buffer.from(body.value()).toString().trimEnd().split("\n");
  const bodyOf = (all: readonly string[]) => new Binary(Buffer.from(`${all.join("\n")}\n`));
  const replace = (_id: number, fields: Partial<Block>) =>
    blocks.collection.updateOne({ _id }, { $set: fields });
  const finds = async (...expected: RegExp[]) => {
    const { findings } = await verify();
    assert.equal(findings.length, expected.length, findings.join("\n"));
    for (const [i, it] of expected.entries()) assert.match(findings[i] ?? "", it);
  };

  it("finds nothing in a log that nobody has touched, in all of it or in a day", async () => {
    assert.deepEqual({ ...(await verify()) }.findings, []);
    assert.equal((await verify()).entries, 18);
    const { findings, entries } = await verify({ day: "2026-11-27" });
    assert.deepEqual([findings, entries], [[], 6]);
  });

  it("names an entry that was changed", async () => {
    const changed = lines(await block(3));
    changed[1] = (changed[1] ?? "").replace('"n":1', '"n":7');
    await replace(3, { body: bodyOf(changed) });
    await finds(/^2026-11-27\/2 \(test\.said .{36}\): it was changed$/);
    changed[1] = "{";
    await replace(3, { body: bodyOf(changed) });
    await finds(/^2026-11-27\/2: it was changed: it can't be read$/, /searched by/);
  });

  it("names an entry that was removed, with its hash or without, from the middle or the end", async () => {
    const original = await block(3);
    const [one = "", two = "", three = ""] = lines(original);
    await replace(3, { body: bodyOf([one, three]) });
    await finds(/^2026-11-27\/2: an entry was removed before 2026-11-27\/3/, /searched by/);
    const hashes = Buffer.from(original.hashes.value());
    const shorter = Buffer.concat([hashes.subarray(0, HASH_BYTES), hashes.subarray(2 * HASH_BYTES)]);
    const ids = original.ids.toSpliced(1, 1);
    const subjects = original.subjects.toSpliced(1, 1);
    await replace(3, { body: bodyOf([one, three]), hashes: new Binary(shorter), ids, subjects });
    assert.match((await verify()).findings[0] ?? "", /^2026-11-27\/2: an entry was removed before/);
    await replace(3, { ...original, body: bodyOf([one, two]) });
    assert.match((await verify()).findings[0] ?? "", /^2026-11-27\/3: an entry was removed$/);
  });

  it("names an entry that was added", async () => {
    const all = lines(await block(3));
    const added = (all[1] ?? "").replace(/"id":".{36}"/, `"id":"${newId()}"`);
    await replace(3, { body: bodyOf(all.toSpliced(2, 0, added)) });
    await finds(/^2026-11-27\/2 \(.*\): it was added behind 2026-11-27\/2$/, /searched by/);
  });

  it("names blocks that are missing, within a day and between days", async () => {
    await blocks.collection.deleteOne({ _id: 3 });
    await finds(/blocks 3 to 3 are missing before 2026-11-27\/4/, /does not begin where the day before ends/);
  });

  it("names an entry that can't be found by what it says", async () => {
    await replace(3, { subjects: [newId()] });
    await finds(/^2026-11-27\/1: what its block is searched by/);
  });

  it("proves by an anchor what a whole chain that was made anew, or cut, would hide", async () => {
    const { day, seq, hash } = headOf(await block(6));
    const anchor = { day, seq, hash: hash.toString("hex") };
    assert.deepEqual((await verify({ anchors: [anchor] })).findings, []);

    const last = await block(6);
    const forged = entriesOf(last).map(({ seq: _, recordedAt: __, ...draft }) => ({
      ...draft,
      data: "forged",
    }));
    const place = { _id: 6, day: last.day, first: last.first, at: last.at.getTime() };
    const { _id, ...fields } = blockOf(forged, place, Buffer.from(last.prev.value()));
    await replace(6, fields);
    await finds();
    assert.match(
      (await verify({ anchors: [anchor] })).findings.join(),
      /2026-11-28\/6: it is not what the anchor/,
    );
    await blocks.collection.deleteOne({ _id: 6 });
    await finds();
    assert.match((await verify({ anchors: [anchor] })).findings.join(), /2026-11-28\/6: it is missing/);
  });

  it("knows of days that were dropped, also when that was interrupted, and the chain goes on", async () => {
    const options = { database, clock, keptMs: DAY };
    assert.deepEqual(await dropOldDays(blocks, options), ["2026-11-26", "2026-11-27"]);
    assert.deepEqual(await dropOldDays(blocks, options), []);
    await log.append(several(2));
    assert.deepEqual((await verify()).findings, []);
    assert.equal((await verify()).entries, 8);

    clock.advance(5 * DAY);
    await log.append(several(1));
    // The end of the day is noted, and one of its blocks is gone.
    const { hash, seq } = headOf(await block(6));
    const end = { block: 6, entries: seq, hash: new Binary(hash), droppedAt: new Date(clock.now()) };
    await droppedDays(database).insertOne({ _id: "2026-11-28", ...end });
    await blocks.collection.deleteOne({ _id: 5 });
    assert.deepEqual((await verify()).findings, []);
    await dropOldDays(blocks, options);
    assert.equal(await blocks.collection.countDocuments(), 1);
    assert.deepEqual((await verify()).findings, []);
  });
});
