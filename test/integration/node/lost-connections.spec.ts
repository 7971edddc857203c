import { setTimeout as sleep } from "node:timers/promises";
import { connectDatabase, type Database } from "../../../broker/mongo/database.ts";
import { silentLog } from "../../../broker/resilience/silent-log.ts";
import { type Child, startChild } from "../../../scripts/support/children.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { type TcpProxy, tcpProxy } from "../../support/servers/tcp-proxy.ts";
import { type TcpStore, tcpStore } from "../../support/servers/tcp-store.ts";

const CLIENTS = 12;
const WRITERS = 4;

describe("A database whose address accepts connections and closes them at once, as a proxy's does for a while", () => {
  let place: TcpStore;
  let store: Child;
  let proxy: TcpProxy;
  const databases: Database[] = [];

  before(async function () {
    this.timeout(30_000);
    place = await tcpStore();
    store = startChild("store", place.script, [...place.args, "--sync", "normal"], {
      env: process.env,
      restart: false,
      print: () => undefined,
    });
    await store.line((line) => line.startsWith("mongodb://"));
    const url = place.uri;
    proxy = await tcpProxy(url);
    for (let n = 0; n < CLIENTS; n++) databases.push(await connectDatabase(proxy.via(url), silentLog));
  });

  after(async function () {
    this.timeout(30_000);
    proxy.allow();
    await Promise.all(databases.map((it) => it.close()));
    await proxy.close();
    await store.stop(5_000);
    await place.remove();
  });

  it("is found again by all who use it, and no command hangs", async function () {
    this.timeout(60_000);
    let stopped = false;
    const lastWrites = databases.map(() => 0);
    const writing = databases.flatMap((database, n) =>
      Array.from({ length: WRITERS }, async () => {
        while (!stopped)
          try {
            await database
              .service("lost")
              .collection<{ _id: number; n: number }>("marks")
              .updateOne({ _id: n }, { $inc: { n: 1 } }, { upsert: true });
            lastWrites[n] = Date.now();
            await sleep(5);
          } catch {
            // It is away just now.
            await sleep(20);
          }
      }),
    );
    for (let round = 0; round < 3; round++) {
      await sleep(400);
      proxy.refuse();
      await sleep(1_000);
      proxy.allow();
      const since = Date.now();
      await eventually("every client writes again", () => lastWrites.every((at) => at > since));
    }
    stopped = true;
    // Hanging ones would never end.
    await Promise.all(writing);
  });
});
