import assert from "node:assert/strict";
import { type LeaseOptions, LeaseTaken, withLease } from "../../../broker/mongo/lease.ts";
import { movableClock } from "../../../souk/testing/movable-clock.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";

describe("a lease", () => {
  const clock = movableClock();
  let database: MemoryDatabase;

  before(async () => {
    database = await openMemoryDatabase();
  });
  after(() => database.close());

  const options = (holder: string): LeaseOptions => ({
    database: database.service("leased"),
    collection: "leases",
    id: "it",
    holder,
    clock,
    leaseMs: 1_000,
    pollMs: 2,
    waitMs: 20,
  });
  const kept = () => database.service("leased").collection("leases").countDocuments();

  it("has one holder at a time; the others wait for it", async () => {
    let holders = 0;
    const work = async () => {
      assert.equal(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      holders--;
    };
    const all = ["one", "two", "three"].map((it) => withLease({ ...options(it), waitMs: 5_000 }, work));
    await Promise.all(all);
    assert.equal(await kept(), 0);
  });

  it("is not waited for longer than told", async () => {
    await withLease(options("one"), async () => {
      await assert.rejects(
        withLease(options("two"), async () => assert.fail("it has none")),
        LeaseTaken,
      );
    });
  });

  it("is free again after work that fails", async () => {
    await assert.rejects(
      withLease(options("one"), () => Promise.reject(new Error("no"))),
      /^Error: no$/,
    );
    assert.equal(await kept(), 0);
  });

  it("goes to another when its holder does not renew it, which the holder hears and does not take back", async () => {
    await withLease(options("slow"), async (renew) => {
      clock.advance(900);
      await renew();
      clock.advance(900);
      await assert.rejects(
        withLease(options("two"), async () => assert.fail("it was renewed")),
        LeaseTaken,
      );
      clock.advance(101);
      await withLease(options("two"), async () => {
        await assert.rejects(renew(), LeaseTaken);
        assert.equal(await kept(), 1);
      });
    });
    assert.equal(await kept(), 0);
  });
});
