import assert from "node:assert/strict";
import { errorCode, SoukError } from "../../../broker/contract/errors.ts";
import { FRESH_MS, OUTAGE_GRACE_MS } from "../../../broker/http/access/live-answers.ts";
import { createLiveSessions, type LiveSession } from "../../../broker/http/access/live-sessions.ts";

describe("the sessions behind access tokens", () => {
  let now: number;
  let live: Map<string, LiveSession>;
  let asked: string[][];
  let away: boolean;
  let onAsked: () => void;
  const clock = { now: () => now };
  const make = () =>
    createLiveSessions(async (ids) => {
      asked.push(ids);
      if (away) throw new SoukError("UNAVAILABLE");
      const found = ids.flatMap((it) => live.get(it) ?? []);
      onAsked();
      return found;
    }, clock);
  const claims = { sid: "s1", sub: "u1", roles: ["customer" as const] };

  beforeEach(() => {
    now = 1_000_000;
    asked = [];
    away = false;
    onAsked = () => undefined;
    live = new Map([["s1", { id: "s1", userId: "u1", roles: ["customer"] }]]);
  });
  const refused = (work: Promise<unknown>) =>
    assert.rejects(work, (error) => errorCode(error) === "UNAUTHENTICATED");
  /** Lets a question that a request did not wait for be answered. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

  it("are asked about once for many requests, and for many of them at once", async () => {
    live.set("s2", { id: "s2", userId: "u2", roles: ["customer"] });
    const sessions = make();
    const other = { ...claims, sid: "s2", sub: "u2" };
    await Promise.all(Array.from({ length: 50 }, (_, n) => sessions.check(n % 2 ? claims : other)));
    for (let n = 0; n < 50; n++) await sessions.check(claims);
    assert.deepEqual(
      asked.map((it) => it.length),
      [2],
    );
  });

  it("do not stand for another user, nor for a role that the user has no more", async () => {
    const sessions = make();
    await refused(sessions.check({ ...claims, sub: "u2" }));
    await refused(sessions.check({ ...claims, roles: ["customer", "admin"] }));
    await refused(sessions.check({ ...claims, sid: "unknown" }));
    await sessions.check(claims);
  });

  it("are refused at once after a notification, of the session or of its user", async () => {
    for (const subject of ["s1", "u1"]) {
      const sessions = make();
      const session = live.get("s1") as LiveSession;
      await sessions.check(claims);
      live.delete("s1");
      await sessions.check(claims);
      sessions.changed(subject);
      await refused(sessions.check(claims));
      live.set("s1", session);
    }
  });

  it("are refused within the limit without one, however busy they are", async () => {
    const sessions = make();
    await sessions.check(claims);
    live.delete("s1");
    for (const end = now + FRESH_MS; now < end - 500; now += 500)
      await sessions.check(claims).catch((error) => assert.equal(errorCode(error), "UNAUTHENTICATED"));
    now += 1_000;
    await refused(sessions.check(claims));
  });

  it("that are busy never wait for the answer", async () => {
    const sessions = make();
    await sessions.check(claims);
    for (let n = 0; n < 10; n++) {
      now += FRESH_MS - 1;
      let answered = false;
      onAsked = () => {
        answered = true;
      };
      await sessions.check(claims);
      assert.ok(!answered);
      await settled();
    }
    assert.equal(asked.length, 11);
  });

  it("that end while they are asked about are not taken for live after that", async () => {
    const sessions = make();
    onAsked = () => {
      live.delete("s1");
      sessions.changed("u1");
    };
    await sessions.check(claims);
    await refused(sessions.check(claims));
  });

  it("are believed for a minute while nobody can be asked, with few questions, and then no more", async () => {
    const sessions = make();
    await sessions.check(claims);
    away = true;
    now += FRESH_MS;
    for (let n = 0; n < 100; n++) await sessions.check(claims);
    assert.equal(asked.length, 2);
    now += OUTAGE_GRACE_MS - FRESH_MS - 1;
    await sessions.check(claims);
    now += 2;
    await assert.rejects(sessions.check(claims), (error) => errorCode(error) === "UNAVAILABLE");
    away = false;
    await sessions.check(claims);
  });
});
