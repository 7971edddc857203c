/** Far more requests than capacity: some wait a bounded time, the others are told to retry, and nothing is lost. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../souk/testing/eventually.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import {
  allOrders,
  firstAdmin,
  orderCart,
  type Person,
  putInCart,
  putOnSale,
  signUp,
} from "../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../souk/testing/start-shop.ts";
import { deleteQueues } from "../support/rabbit/rabbit-cleanup.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";
import { type Answer, type Flood, percentile, promised, startFlood } from "./support/flood.ts";
import { familyOf } from "./support/processes.ts";

const AMQP_URL = process.env.AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const IN_FLIGHT = 32;
const CONNECTIONS = 300;
const BUYERS = 40;
const FLOOD_MS = 8_000;
/** An order waits at most 2 s for its payment. The rest is the work itself on a loaded machine. */
const TIMEOUT_MS = 20_000;
/** Heap of each process in MB. A process that queued everything would run out of memory. */
const HEAP = 192;
/** Permitted growth of a process during a flood, for caches and heaps. MB. */
const GROWTH = 300;
/** Messages or outbox entries that wait in a process; an order has thirteen messages, and few at a time. */
const QUEUED = 64 * IN_FLIGHT;

const env = {
  BOOTSTRAP_TOKEN,
  RATE_LIMIT: "off",
  SEED_ON_START: "false",
  LOG_LEVEL: "error",
  MAX_IN_FLIGHT: String(IN_FLIGHT),
  ORDER_TTL: "1h",
  // Few buyers order for the many that there would be.
  MAX_OPEN_ORDERS: "50",
  MAX_OPEN_QUANTITY: "1000000",
  NODE_OPTIONS: `--max-old-space-size=${HEAP}`,
};

interface Stage {
  run: ScriptRun;
  http: HttpClient;
  admin: Person;
  buyers: Person[];
  sku: string;
  /** Another article, of which buyers change how many they want. */
  filler: string;
}

async function setTheStage(run: ScriptRun): Promise<Stage> {
  const http = new HttpClient(run.url);
  const admin = await firstAdmin(http);
  const { sku } = await putOnSale(admin, { onHand: 1_000_000 });
  const { sku: filler } = await putOnSale(admin, { onHand: 1_000_000 });
  const buyers: Person[] = [];
  for (let n = 0; n < BUYERS; n++) buyers.push(await signUp(http));
  for (const buyer of buyers) await putInCart(buyer, sku);
  return { run, http, admin, buyers, sku, filler };
}

/** Only what a client can act on. */
function checkAnswers({ answers, broken }: Flood): void {
  assert.deepEqual(broken, [], "every request is answered");
  for (const { method, status, contentType, retryAfter, body } of answers) {
    const text = `${method}: ${status} ${JSON.stringify(body)}`;
    assert.ok(status === 200 || status === 201 || status === 409 || status === 503, text);
    if (status < 300) continue;
    assert.match(contentType, /^application\/problem\+json/, text);
    const { code } = body as { code: string };
    assert.ok(
      status === 503 ? code === "OVERLOADED" || code === "UNAVAILABLE" : /^[A-Z_]+$/.test(code),
      text,
    );
    if (status === 503) assert.ok(Number(retryAfter) >= 1, `${text}: Retry-After ${retryAfter}`);
  }
}

/** Checks health and counts processes repeatedly while the shop is flooded. */
function watch({ run }: Stage) {
  const health: { status: number; ms: number }[] = [];
  const rss = new Map<number, { first: number; most: number; command: string }>();
  const gauges = new Map<string, number>();
  let stopped = false;
  const weigh = () => {
    for (const { pid, rss: now, command } of familyOf(run.child.pid ?? 0)) {
      const known = rss.get(pid) ?? { first: now, most: 0, command };
      rss.set(pid, { ...known, most: Math.max(known.most, now) });
    }
  };
  const running = (async () => {
    while (!stopped) {
      const begun = performance.now();
      const get = (url: string) => fetch(url).catch((error: Error) => error);
      const live = await get(`${run.url}/health/live`);
      health.push({ status: live instanceof Error ? 0 : live.status, ms: performance.now() - begun });
      const reply = await get(`${run.opsUrl}/metrics`);
      const metrics = reply instanceof Error ? "" : await reply.text();
      for (const [, name = "", value] of metrics.matchAll(/^(souk_[a-z_]+(?:\{[^}]*\})?) ([\d.]+)$/gm))
        if (/in_flight|actor_(waiting|sending|backlog)/.test(name))
          gauges.set(name, Math.max(gauges.get(name) ?? 0, Number(value)));
      weigh();
      await sleep(100);
    }
  })();
  return {
    health,
    rss,
    gauges,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** Promised orders exist, once, and can be paid. A refusal has created nothing. */
async function checkOrders({ admin, http, sku }: Stage, answers: readonly Answer[]): Promise<number> {
  const kept = promised(answers);
  assert.equal(new Set(kept.map((it) => it.body.id)).size, kept.length, "no two answers with the same order");
  const orders = await eventually(
    "every order waits for its payment",
    async () => {
      const found = await allOrders(admin);
      return found.every((it) => it.status === "awaiting_payment") && found;
    },
    90_000,
  );
  const ids = new Set(orders.map((it) => it.id));
  for (const { body } of kept) assert.ok(ids.has(body.id), `order ${body.id} was promised, and is lost`);
  // After UNAVAILABLE it is unknown whether it was done; after OVERLOADED it is not done.
  const doubtful = answers.filter((it) => it.key && (it.body as { code?: string }).code === "UNAVAILABLE");
  assert.ok(orders.length - kept.length <= doubtful.length, `${orders.length} for ${kept.length} promised`);
  const { held } = await http.expect<{ held: number }>(200, "GET", `/inventory/${sku}`);
  assert.equal(held, orders.length, "a unit is held for each");
  for (const { buyer, key, body } of kept.slice(0, 20)) {
    const again = await orderCart(buyer, key, 2);
    assert.deepEqual([again.status, again.body.id], [201, body.id]);
    assert.equal(again.headers.get("idempotent-replayed"), "true");
  }
  return orders.length;
}

function summary(answers: readonly Answer[]): string {
  const counts = new Map<string, number>();
  for (const { status, body } of answers) {
    const key = status < 300 ? String(status) : `${status} ${(body as { code: string }).code}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const taken = answers.filter((it) => it.status < 300).map((it) => it.ms);
  const times = [0.5, 0.99, 1].map((p) => Math.round(percentile(taken, p)));
  return `${[...counts].map(([key, n]) => `${n} × ${key}`).join(", ")}; accepted ones took ${times.join("/")} ms`;
}

const note = (line: string) => console.log(`      ${line}`);

async function flooded(stage: Stage, meanwhile: () => Promise<void>, wait: number): Promise<Answer[]> {
  const { run, buyers, filler } = stage;
  // Warmed up, so that growth from here on is queues and not code.
  const warm = startFlood({ url: run.url, buyers, filler, connections: IN_FLIGHT, orders: 0.3, wait });
  await sleep(3_000);
  await warm.stop();
  const watching = watch(stage);
  const flood = startFlood({ url: run.url, buyers, filler, connections: CONNECTIONS, orders: 0.3, wait });
  await meanwhile();
  await flood.stop();
  await watching.stop();
  note(summary(flood.answers));
  checkAnswers(flood);
  const { answers } = flood;
  assert.ok(
    answers.some((it) => it.status === 503),
    "there was more than it could do",
  );
  assert.ok(promised(answers).length > 0, "and it did what it could");
  for (const { status, ms, method } of answers)
    assert.ok(status >= 300 || ms < TIMEOUT_MS, `${method} was accepted after ${ms} ms`);
  assert.ok(watching.health.length >= 5);
  assert.deepEqual(
    watching.health.filter((it) => it.status !== 200),
    [],
  );
  note(
    `health: ${watching.health.length} times, at most ${Math.round(Math.max(...watching.health.map((it) => it.ms)))} ms`,
  );
  for (const { first, most, command } of watching.rss.values())
    assert.ok(most - first < GROWTH, `${command} grew from ${first} to ${most} MB`);
  const grown = [...watching.rss.values()].map((it) => Math.round(it.most - it.first));
  note(`processes grew by at most ${Math.max(...grown)} MB`);
  for (const [name, most] of watching.gauges)
    assert.ok(most <= (name.includes("in_flight") ? IN_FLIGHT : QUEUED), `${name} was ${most}`);
  note(
    [...watching.gauges]
      .filter(([, most]) => most > 0)
      .map(([name, most]) => `${name} ≤ ${most}`)
      .join(", "),
  );
  return [...warm.answers, ...answers];
}

describe("A flood of requests", function () {
  this.timeout(280_000);

  describe("at one process on embedded defaults", () => {
    let run: ScriptRun;
    let stage: Stage;
    const answers: Answer[] = [];
    before(async () => {
      run = await startScript("start", { env });
      stage = await setTheStage(run);
    });
    after(() => run?.stop());

    for (const wait of [2, 0])
      it(`gets a bounded wait, or 503 with Retry-After; what was promised is kept (Prefer: wait=${wait})`, async () => {
        answers.push(...(await flooded(stage, () => sleep(FLOOD_MS), wait)));
        note(`${await checkOrders(stage, answers)} orders`);
      });
  });

  describe("at a cluster over RabbitMQ, whose orders are frozen for a while", () => {
    const prefix = `test-${randomUUID().slice(0, 8)}`;
    let run: ScriptRun;
    before(async () => {
      run = await startScript("cluster", {
        args: ["--processes", "each"],
        env: { ...env, AMQP_URL, AMQP_PREFIX: prefix, NAMESPACE: prefix },
        readyMs: 120_000,
      });
    });
    after(async () => {
      await run?.stop();
      await deleteQueues(AMQP_URL, prefix);
    });

    it("keeps what it has accepted, refuses what is beyond, and goes on when they are back", async () => {
      const stage = await setTheStage(run);
      const frozen = familyOf(run.child.pid ?? 0).filter((it) =>
        /node\.ts (orders|inventory)$/.test(it.command),
      );
      assert.equal(frozen.length, 2);
      const answers = await flooded(
        stage,
        async () => {
          await sleep(FLOOD_MS / 2);
          for (const { pid } of frozen) process.kill(pid, "SIGSTOP");
          try {
            await sleep(FLOOD_MS);
          } finally {
            for (const { pid } of frozen) process.kill(pid, "SIGCONT");
          }
          await sleep(FLOOD_MS / 2);
        },
        2,
      );
      note(`${await checkOrders(stage, answers)} orders`);
    });
  });
});
