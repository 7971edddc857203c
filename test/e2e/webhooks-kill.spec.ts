/** A shop that is killed after it has sent a webhook and before it has noted that: the receiver gets the same id again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../souk/testing/eventually.ts";
import { freePort } from "../../souk/testing/free-port.ts";
import { HttpClient } from "../../souk/testing/http-client.ts";
import { firstAdmin } from "../../souk/testing/people.ts";
import { BOOTSTRAP_TOKEN } from "../../souk/testing/start-shop.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";
import { type Receiver, startReceiver } from "../support/webhook-endpoint.ts";

const DELIVERIES = 4;

describe("webhooks under kill -9", function () {
  this.timeout(150_000);
  let dataDir: string;
  let port: number;
  let run: ScriptRun | undefined;
  let receiver: Receiver;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "souk-webhooks-"));
    port = await freePort();
    receiver = await startReceiver();
  });
  after(async () => {
    await run?.stop();
    await receiver.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = () =>
    startScript("start", {
      dataDir,
      port,
      env: { BOOTSTRAP_TOKEN, RATE_LIMIT: "off", SEED_ON_START: "false", WEBHOOKS_ALLOW_PRIVATE: "1" },
    });

  /** The ids that have come, each once. */
  const different = () => [...new Set(receiver.got.map((it) => it.id))];

  it("come again under their ids, in order, and none is lost", async () => {
    run = await start();
    const { http } = await firstAdmin(new HttpClient(run.url));
    const body = { url: receiver.url, types: ["order.*"] };
    const { id, secret } = await http.expect<{ id: string; secret: string }>(
      201,
      "POST",
      "/webhook-endpoints",
      {
        body,
      },
    );
    receiver.secrets = [secret];
    const ids: string[] = [];
    // The third gets no answer.
    receiver.answer = (_, res) => {
      if (different().length < 3) res.writeHead(204).end();
    };
    for (let n = 0; n < DELIVERIES; n++) {
      const made = await http.expect<{ id: string }>(202, "POST", `/webhook-endpoints/${id}/test`);
      ids.push(made.id);
    }
    await eventually("the third is sent", async () => different().length === 3);
    const gone = once(run.child, "exit");
    run.child.kill("SIGKILL");
    await gone;
    receiver.answer = (_, res) => res.writeHead(204).end();
    run = await start();
    await eventually("all are sent", async () => receiver.got.some((it) => it.id === ids[3]));
    const got = receiver.got.map((it) => it.id);
    assert.ok(got.filter((it) => it === ids[2]).length >= 2, "the third has come again");
    assert.deepEqual(different(), ids);
    assert.deepEqual(receiver.refused, []);
  });
});
