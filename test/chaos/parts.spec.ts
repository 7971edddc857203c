import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { seededRandom } from "../support/seeded-random.ts";
import { impossibleStep } from "./checks/check-histories.ts";
import { notEmpty } from "./cluster/queues.ts";
import { RetryingClient } from "./customers/retrying-client.ts";
import { stockFaults } from "./observers/stock-sampler.ts";
import { recoveryTable, worstRecovery } from "./report.ts";

describe("seeded random numbers", () => {
  const numbers = (seed: number, ...parts: string[]) => {
    const random = seededRandom(seed, ...parts);
    return Array.from({ length: 50 }, () => random.between(1, 1_000));
  };

  it("are the same for the same seed and parts, and others for others", () => {
    assert.deepEqual(numbers(7, "a"), numbers(7, "a"));
    assert.notDeepEqual(numbers(7, "a"), numbers(8, "a"));
    assert.notDeepEqual(numbers(7, "a"), numbers(7, "b"));
  });

  it("are everywhere in their range, and nowhere else", () => {
    const random = seededRandom(1);
    const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
    assert.deepEqual([...seen].sort(), [3, 4, 5, 6]);
  });

  it("shuffle without losing anything", () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = seededRandom(3).shuffled(items);
    assert.notDeepEqual(shuffled, items);
    assert.deepEqual([...shuffled].sort(), items);
  });
});

describe("a retrying client", () => {
  let server: Server;
  let answers: (RequestListener | undefined)[];
  let served: number;

  beforeEach(async () => {
    served = 0;
    server = createServer((request, reply) => {
      const answer = answers[Math.min(served++, answers.length - 1)];
      if (answer) answer(request, reply);
      else request.socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const client = (retryForMs: number) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new RetryingClient({ url, retryForMs, timeoutMs: 200 });
  };
  const says =
    (status: number, body: unknown): RequestListener =>
    (_, reply) =>
      reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  const silent: RequestListener = () => undefined;
  const cutOff: RequestListener = (_, reply) => {
    reply.writeHead(200, { "content-length": 100 });
    reply.write("{");
    reply.destroy();
  };

  it("sends again after broken connections, time-outs, 5xx, 429 and a request that still runs", async () => {
    const running = says(409, { code: "IDEMPOTENCY_IN_PROGRESS" });
    answers = [undefined, silent, cutOff, says(503, {}), says(429, {}), running, says(201, { id: "x" })];
    const retrying = client(10_000);
    assert.deepEqual(await retrying.send("POST", "/orders", { body: {} }), {
      status: 201,
      body: { id: "x" },
    });
    assert.deepEqual(retrying.counts, { requests: 7, repeated: 6, gaveUp: 0 });
  });

  it("takes any other answer as it is", async () => {
    for (const status of [200, 404, 409, 422]) {
      answers = [says(status, { code: "X" })];
      assert.equal((await client(1_000).send("GET", "/"))?.status, status);
    }
  });

  it("gives up when its time is over", async () => {
    answers = [says(503, {})];
    const retrying = client(300);
    assert.equal(await retrying.send("GET", "/"), null);
    assert.equal(retrying.counts.gaveUp, 1);
  });
});

describe("looking at stock", () => {
  const item = {
    onHand: 5,
    held: 2,
    holds: { a: { quantity: 2, generation: 1 } },
    nextGeneration: 2,
    revision: 0,
  };

  it("finds nothing where it adds up", () => {
    assert.deepEqual(stockFaults("S", item), []);
  });

  it("finds less than nothing, too many holds, and holds that do not add up", () => {
    assert.deepEqual(stockFaults("S", { ...item, onHand: -1 }), ["S: -1 on hand", "S: 2 held of -1"]);
    assert.deepEqual(stockFaults("S", { ...item, onHand: 1 }), ["S: 2 held of 1"]);
    assert.deepEqual(stockFaults("S", { ...item, held: 3 }), ["S: holds of 2 counted as 3"]);
  });
});

describe("walking a state machine", () => {
  const machine = {
    table: { none: { begin: { to: ["a"] } }, a: { go: { to: ["b"] }, stay: { ignore: "why" } }, b: {} },
  };

  it("finds the first step that is not there", () => {
    assert.equal(impossibleStep(machine, ["a", "b"]), null);
    assert.equal(impossibleStep(machine, ["b"]), "none → b");
    assert.equal(impossibleStep(machine, ["a", "b", "a"]), "b → a");
  });
});

describe("what lies in queues", () => {
  const state = (name: string, messages_ready: number, messages_unacknowledged: number) => ({
    name,
    messages_ready,
    messages_unacknowledged,
  });

  it("is told by queue, waiting or held by a consumer, for the queues that count", () => {
    const states = [state("a", 0, 0), state("b", 2, 0), state("c", 0, 15), state("other", 1, 1)];
    assert.deepEqual(notEmpty(states, new Set(["a", "b", "c"])), [
      "b: 2 waiting, 0 held unacked",
      "c: 0 waiting, 15 held unacked",
    ]);
  });
});

describe("recoveries", () => {
  const recovery = (fault: string, kind: string, ms: number | null, together: string[] = []) => ({
    fault,
    kind,
    isKill: true,
    ms,
    together,
  });
  const all = [
    recovery("kill -9 orders-1", "kill -9 orders", 1_200),
    recovery("kill -9 store", "kill -9 store", 900),
    recovery("kill -9 orders-2", "kill -9 orders", 3_400, ["kill -9 rabbitmq"]),
    recovery("kill -9 rabbitmq", "kill -9 rabbitmq", 3_000, ["kill -9 orders-2"]),
  ];

  it("are shown by kind, each with its worst, and the worst while nothing else was under way", () => {
    assert.deepEqual(
      recoveryTable(all)
        .split("\n")
        .map((row) => row.trim().split(/ {2,}/)),
      [
        ["times", "worst", "alone"],
        ["kill -9 orders", "2", "3.4 s", "1.2 s"],
        ["kill -9 rabbitmq", "1", "3.0 s"],
        ["kill -9 store", "1", "0.9 s", "0.9 s"],
      ],
    );
    assert.equal(worstRecovery(all), "3.4 s (kill -9 orders-2), alone 1.2 s (kill -9 orders-1)");
  });

  it("that never came are the worst", () => {
    const never = [recovery("kill -9 api", "kill -9 api", null), ...all];
    assert.equal(worstRecovery(never), "never (kill -9 api), alone never (kill -9 api)");
    assert.match(recoveryTable(never), /kill -9 api +1 +never/);
    assert.equal(worstRecovery([]), "none, alone none");
  });
});
