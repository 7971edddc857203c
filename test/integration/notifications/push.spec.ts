/** Web push: what leaves is what the standards say, and only the user's own browsers get it. */
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { createPoster } from "../../../broker/http/outbound/post.ts";
import migration from "../../../services/notifications/migrations/0002-push-subscriptions.ts";
import "../../../services/notifications/notifications.errors.ts";
import { encrypt, isPoint, MAX_PLAIN } from "../../../services/notifications/push/encrypt.ts";
import { browsersModel } from "../../../services/notifications/push/subscriptions.model.ts";
import {
  MAX_BROWSERS,
  subscribe,
  subscriptionsOf,
} from "../../../services/notifications/push/subscriptions.ts";
import { authorization, newPrivateKey, vapidKey } from "../../../services/notifications/push/vapid.ts";
import { Refused } from "../../../services/notifications/sending/channel.ts";
import { pushChannel } from "../../../services/notifications/sending/push-channel.ts";
import { type MemoryDatabase, openMemoryDatabase } from "../../support/servers/memory-database.ts";
import { channelConformance, outgoing, userId } from "./support/channel-conformance.ts";
import { openBrowser, type PushWorld, pushWorld } from "./support/push-world.ts";

const codeIs = (code: string) => (error: unknown) =>
  error instanceof Error && "type" in error && error.type === code;

describe("web push", () => {
  let database: MemoryDatabase;
  let browsers: ReturnType<typeof browsersModel.bind>;
  before(async () => {
    database = await openMemoryDatabase();
    browsers = browsersModel.bind(database.service("notifications"));
    await migration.up(database.service("notifications"), () => Promise.resolve());
  });
  after(() => database?.close());

  channelConformance("push", ["refuse", "later", "ours", "fail", "hang", "close", "loseAnswer", "away"], () =>
    pushWorld(browsers),
  );

  describe("a message", () => {
    let world: PushWorld;
    beforeEach(async () => {
      world = await pushWorld(browsers);
    });
    afterEach(() => world.close());

    it("is read by the browser alone, and says who sends it", async () => {
      await world.channel.send(outgoing());
      const [got] = world.pushed;
      assert.ok(got);
      const { title, body, url, tag } = JSON.parse(await world.browser.decrypt(got.body));
      assert.deepEqual(
        [title, body, url, tag],
        [
          "Your order is on its way",
          "Souk: your order 251003-7K2QF-M9DXA is on its way.",
          "https://shop.example/orders/1",
          outgoing().id,
        ],
      );
      await assert.rejects((await openBrowser()).decrypt(got.body));
      assert.ok(!got.body.includes("251003"));
      const { headers } = got;
      assert.equal(headers["content-encoding"], "aes128gcm");
      assert.match(String(headers.ttl), /^\d+$/);
      assert.match(String(headers.topic), /^[\w-]{1,32}$/);
      const [, head = "", claims = "", signature = "", key = ""] =
        /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)$/.exec(String(headers.authorization)) ?? [];
      assert.equal(key, world.publicKey);
      const point = Buffer.from(key, "base64url");
      const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((it) => it.toString("base64url"));
      const publicKey = createPublicKey({
        key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" },
        format: "jwk",
      });
      const signed = Buffer.from(`${head}.${claims}`);
      assert.ok(
        verify(
          "sha256",
          signed,
          { key: publicKey, dsaEncoding: "ieee-p1363" },
          Buffer.from(signature, "base64url"),
        ),
      );
      const { aud, exp, sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
      assert.deepEqual([aud, sub], [world.url, "mailto:shop@shop.example"]);
      assert.ok(exp > Date.now() / 1_000 && exp <= Date.now() / 1_000 + 86_400);
    });

    it("forgets browsers that are gone, and reaches the others", async () => {
      const other = await openBrowser();
      const more = [404, 410, 201].map((status, at) => {
        world.answers.set(`/${status}`, status);
        return {
          id: `01941b2e-5d00-7a11-8c42-00000000001${at}`,
          endpoint: `${world.url}/${status}`,
          keys: other.keys,
          createdAt: new Date(),
        };
      });
      await browsers.updateOne({ _id: userId }, { $push: { items: { $each: more } } });
      assert.equal(await world.channel.send(outgoing()), "2 of 4 browsers will get it");
      const left = (await subscriptionsOf(browsers, userId)).map((it) => new URL(it.endpoint).pathname);
      assert.deepEqual(left, ["/the-secret-address-of-a-browser", "/201"]);
    });

    it("is given up when all browsers are gone, and then there is nobody to tell", async () => {
      world.answers.set("/the-secret-address-of-a-browser", 410);
      await assert.rejects(world.channel.send(outgoing()), Refused);
      assert.equal(await world.channel.addressOf(outgoing().addressee), null);
    });

    it("goes to no address that is not public, whatever a name means", async () => {
      const key = vapidKey(newPrivateKey());
      const poster = createPoster({
        allowPrivate: false,
        timeoutMs: 300,
        concurrency: 1,
        resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      });
      const channel = pushChannel({ browsers, poster, key: async () => key, subject: "mailto:a@b.example" });
      await assert.rejects(channel.send(outgoing()), Refused);
      await browsers.updateOne(
        { _id: userId },
        { $set: { "items.0.endpoint": `http://push.example:${new URL(world.url).port}/x` } },
      );
      await assert.rejects(channel.send(outgoing()), Refused);
      assert.deepEqual(world.pushed, []);
      poster.close();
    });
  });

  it("encrypts the example of RFC 8291 as it stands there", () => {
    const read = (text: string) => Buffer.from(text, "base64url");
    const made = encrypt(
      Buffer.from("When I grow up, I want to be a watermelon"),
      {
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        auth: "BTBZMqHH6r4Tts7J_aSIgg",
      },
      {
        salt: read("DGv6ra1nlYgDCS1FRnbzlw"),
        privateKey: read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
      },
    );
    assert.equal(
      made.toString("base64url"),
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w" +
        "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
  });

  it("takes messages up to the size that push services must take", async () => {
    const { keys, decrypt } = await openBrowser();
    const longest = Buffer.alloc(MAX_PLAIN, "x");
    const body = encrypt(longest, keys);
    assert.equal(body.length, 4_096);
    assert.equal(await decrypt(body), longest.toString());
    assert.throws(() => encrypt(Buffer.alloc(MAX_PLAIN + 1), keys), RangeError);
  });

  it("has keys of full length, whatever their first byte", () => {
    for (let i = 0; i < 300; i++) assert.equal(Buffer.from(newPrivateKey(), "base64url").length, 32);
    assert.match(
      authorization(vapidKey(newPrivateKey()), new URL("https://a.example/x"), "mailto:a", 0),
      /^vapid /,
    );
  });

  describe("subscriptions", () => {
    const someone = (n: number) => `01941b10-0a11-7c20-8d31-${String(n).padStart(12, "0")}`;

    it("are at most ten of one user, also when all come at once; the same one again has a place", async () => {
      const { keys } = await openBrowser();
      const add = (n: number) =>
        subscribe(browsers, someone(1), { endpoint: `https://push.example/${n}`, keys });
      const ended = await Promise.allSettled(Array.from({ length: 15 }, (_, n) => add(n)));
      const added = ended.filter((it) => it.status === "fulfilled");
      assert.equal(added.length, MAX_BROWSERS);
      for (const it of ended)
        if (it.status === "rejected") assert.ok(codeIs("PUSH_SUBSCRIPTION_LIMIT")(it.reason));
      const [first] = await subscriptionsOf(browsers, someone(1));
      assert.ok(first);
      const fresh = await openBrowser();
      const again = await subscribe(browsers, someone(1), { endpoint: first.endpoint, keys: fresh.keys });
      assert.equal(again.id, first.id);
      assert.deepEqual((await subscriptionsOf(browsers, someone(1)))[0]?.keys, fresh.keys);
    });

    it("of one browser are of the user who came last", async () => {
      const { keys } = await openBrowser();
      const endpoint = "https://push.example/shared";
      await subscribe(browsers, someone(2), { endpoint, keys });
      await subscribe(browsers, someone(3), { endpoint, keys });
      assert.deepEqual(await subscriptionsOf(browsers, someone(2)), []);
      assert.equal((await subscriptionsOf(browsers, someone(3))).length, 1);
    });

    for (const endpoint of [
      "http://push.example/x",
      "https://127.0.0.1/x",
      "https://[::ffff:7f00:1]/x",
      "https://0x7f.1/x",
      "https://localhost/x",
      "https://metadata.internal/x",
      "https://user:password@push.example/x",
      "https://push.example:22/x",
    ])
      it(`refuse the address ${endpoint}`, async () => {
        const { keys } = await openBrowser();
        await assert.rejects(
          subscribe(browsers, someone(4), { endpoint, keys }),
          codeIs("VALIDATION_FAILED"),
        );
        assert.deepEqual(await subscriptionsOf(browsers, someone(4)), []);
      });

    it("refuse a key that is no point of the curve", async () => {
      const { keys } = await openBrowser();
      const p256dh = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString("base64url");
      assert.equal(isPoint(p256dh), false);
      await assert.rejects(
        subscribe(browsers, someone(4), { endpoint: "https://push.example/x", keys: { ...keys, p256dh } }),
        codeIs("VALIDATION_FAILED"),
      );
    });
  });
});
