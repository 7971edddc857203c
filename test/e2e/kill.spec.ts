import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../../broker/contract/ids.ts";
import type { OrderView } from "../../services/orders/orders.contract.ts";
import { eventually } from "../../souk/testing/eventually.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient, type Reply } from "../../souk/testing/http-client.ts";
import {
  allOrders,
  decide,
  firstAdmin,
  orderCart,
  type Person,
  payPage,
  putInCart,
  putOnSale,
  signUp,
  stockOf,
} from "../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../souk/testing/start-shop.ts";
import { EMBEDDED, scriptArgs } from "../support/scripts/run-script.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";

const ROUNDS = 3;
const BUYERS = 4;
const INITIAL = 5_000;
/**
 * The sandbox may have been killed while it reported a payment. Another try is made when its claim has expired, after
 * a minute.
 */
const TIMEOUT_MS = 80_000;

/** A request for an order, and its buyer's knowledge of it. */
interface Attempt {
  buyer: Person;
  key: string;
  /** The answer, if it came before the process died. */
  answer?: OrderView;
  /** What was done next and answered with success. */
  outcome?: "paid" | "cancelled";
}

describe("npm start under kill -9", () => {
  let dataDir: string;
  let port: number;
  let run: ScriptRun | undefined;
  let http: HttpClient;
  const env = {
    BOOTSTRAP_TOKEN,
    RATE_LIMIT: "off",
    SEED_ON_START: "false",
    LOG_LEVEL: "warn",
    // Buyers leave orders alone, and go on.
    MAX_OPEN_ORDERS: "500",
    MAX_OPEN_QUANTITY: "10000",
  };

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "souk-kill-"));
    port = await freePort();
    http = new HttpClient(`http://127.0.0.1:${port}`);
  });
  after(async function () {
    this.timeout(30_000);
    await run?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    run = await startScript("start", { dataDir, port, env });
  }

  async function kill({ child }: ScriptRun): Promise<void> {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** A start that is killed early. */
  async function stillborn(afterMs: number): Promise<void> {
    const own = { PORT: String(port), OPS_PORT: "0", DATA_DIR: dataDir };
    const child = spawn(process.execPath, scriptArgs("start"), {
      env: { ...process.env, ...EMBEDDED, ...own, ...env },
      stdio: "ignore",
    });
    const gone = once(child, "exit");
    await sleep(afterMs);
    child.kill("SIGKILL");
    await gone;
  }

  /** Buys, pays, cancels and abandons orders until the shop has ended. */
  async function shopping(buyer: Person, skus: readonly string[], attempts: Attempt[]): Promise<void> {
    for (let n = 0; ; n++) {
      const attempt: Attempt = { buyer, key: newId() };
      try {
        // A new cart: the last order may still be open, and a cart is ordered once.
        await buyer.http.expect(204, "DELETE", "/cart");
        for (const sku of skus.filter((_, at) => at !== n % skus.length))
          await putInCart(buyer, sku, 1 + (n % 3));
        attempts.push(attempt);
        const { status, body } = await orderCart(buyer, attempt.key);
        // The last order's items may leave the cart only now, together with everything that was added.
        if (codeOf(body) === "CART_EMPTY") {
          attempts.splice(attempts.indexOf(attempt), 1);
          continue;
        }
        assert.equal(status, 201, JSON.stringify(body));
        attempt.answer = body;
        if (body.status !== "awaiting_payment" || n % 4 === 3) continue;
        const next =
          n % 4 === 2
            ? await buyer.http.request("POST", `/orders/${body.id}/cancel`, { body: {} })
            : await decide(buyer.http, payPage(body), { outcome: "succeed" });
        assert.ok(next.status < 300, JSON.stringify(next.body));
        attempt.outcome = n % 4 === 2 ? "cancelled" : "paid";
      } catch (error) {
        if (isGone(error)) return;
        throw error;
      }
    }
  }

  const codeOf = (body: object): unknown => ("code" in body ? body.code : undefined);

  /** The connection broke, or could not be made. */
  const isGone = (error: unknown): boolean =>
    error instanceof TypeError && /fetch failed|terminated/.test(error.message);

  /** Every order has ended, is paid, or has a pay page. Each matches what its buyer was told. */
  function checkOrders(orders: readonly OrderView[], attempts: readonly Attempt[]): void {
    for (const { id, status, payment } of orders) {
      assert.ok(["awaiting_payment", "paid", "cancelled"].includes(status), `${id} is ${status}`);
      if (status === "awaiting_payment") assert.ok(payment?.nextAction, `${id} can't be paid`);
    }
    const byId = new Map(orders.map((it) => [it.id, it]));
    for (const { answer, outcome } of attempts) {
      if (!answer) continue;
      const found = byId.get(answer.id) ?? assert.fail(`order ${answer.id} was answered, and is lost`);
      assert.deepEqual([found.number, found.total], [answer.number, answer.total]);
      if (outcome) assert.equal(found.status, outcome, `${answer.id} was ${outcome}`);
    }
  }

  async function checkStock(orders: readonly OrderView[], skus: readonly string[]): Promise<void> {
    for (const sku of skus) {
      const units = (status: OrderView["status"]) =>
        orders
          .filter((it) => it.status === status)
          .flatMap((it) => it.lines)
          .reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0);
      const [onHand, held] = [INITIAL - units("paid"), units("awaiting_payment")];
      assert.deepEqual(await stockOf(http, sku), { onHand, held, available: onHand - held });
    }
  }

  /** The same request again, until it is not "still running" any more: the lease of a dead process must expire. */
  const again = ({ buyer, key }: Attempt): Promise<Reply<OrderView>> =>
    eventually(
      `the repeated request ${key} is answered`,
      async () => {
        const reply = await orderCart(buyer, key);
        return codeOf(reply.body) !== "IDEMPOTENCY_IN_PROGRESS" && reply;
      },
      45_000,
    );

  it(`loses no order, payment or unit in ${ROUNDS} kills, and answers repeated requests as the first time`, async function () {
    this.timeout(400_000);
    await start();
    const admin = await firstAdmin(http);
    const articles = [];
    for (let n = 0; n < 3; n++) articles.push(await putOnSale(admin, { onHand: INITIAL }));
    const skus = articles.map((it) => it.sku);
    const buyers = [];
    for (let n = 0; n < BUYERS; n++) buyers.push(await signUp(http));
    const attempts: Attempt[] = [];

    for (let round = 1; round <= ROUNDS; round++) {
      const victim = run ?? assert.fail("nothing runs");
      const before = attempts.length;
      const all = buyers.map((buyer) => shopping(buyer, skus, attempts));
      await eventually(
        "orders are answered",
        () => attempts.slice(before).filter((it) => it.answer).length > 2,
      );
      const killed = Math.round(Math.random() * 800);
      await sleep(killed);
      await kill(victim);
      await Promise.all(all);
      if (round === 2) for (const ms of [150, 300, 450]) await stillborn(ms);
      await start();
      await eventually(
        `round ${round}, killed after ${killed} ms: all is as it was told`,
        async () => {
          const orders = await allOrders(admin);
          checkOrders(orders, attempts);
          await checkStock(orders, skus);
          return true;
        },
        TIMEOUT_MS,
      );
    }

    const known = attempts.filter((it) => it.answer);
    for (const attempt of known) {
      const { status, headers, body } = await again(attempt);
      assert.equal(status, 201);
      assert.equal(headers.get("idempotent-replayed"), "true");
      assert.deepEqual(body, attempt.answer);
    }

    // The others' outcome is unknown. A repeated request creates them, or finds what was created.
    const unknown = attempts.filter((it) => !it.answer);
    for (const attempt of unknown) {
      await attempt.buyer.http.expect(204, "DELETE", "/cart");
      await putInCart(attempt.buyer, skus[0] ?? "");
      const { status, body } = await again(attempt);
      assert.equal(status, 201, JSON.stringify(body));
      const repeated = await again(attempt);
      assert.equal(repeated.body.id, body.id);
      assert.equal(repeated.headers.get("idempotent-replayed"), "true");
      attempt.answer = body;
    }
    assert.equal(new Set(attempts.map((it) => it.answer?.id)).size, attempts.length);
    const made = await allOrders(admin);
    assert.equal(made.length, attempts.length, "each request has one order");

    // 409: it was decided before, and the shop does not know it yet.
    for (const open of made.filter((it) => it.status === "awaiting_payment"))
      assert.ok([202, 409].includes((await decide(http, payPage(open), { outcome: "succeed" })).status));
    await eventually(
      "what waited for its customer is paid, and no unit is held any more",
      async () => {
        const orders = await allOrders(admin);
        const others = orders.filter((it) => it.status !== "paid" && it.status !== "cancelled");
        assert.deepEqual(
          others.map((it) => [it.id, it.status]),
          [],
        );
        await checkStock(orders, skus);
        return true;
      },
      TIMEOUT_MS,
    );
  });
});
