/** The channel push on a push service of our own. It decrypts with WebCrypto, as a browser does. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Model } from "mongoose";
import { createPoster } from "../../../../broker/http/outbound/post.ts";
import type { Browsers } from "../../../../services/notifications/push/subscriptions.model.ts";
import { newPrivateKey, vapidKey } from "../../../../services/notifications/push/vapid.ts";
import { pushChannel } from "../../../../services/notifications/sending/push-channel.ts";
import { type ChannelWorld, type Fault, userId } from "./channel-conformance.ts";

export interface Pushed {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface PushWorld extends ChannelWorld {
  readonly url: string;
  readonly pushed: readonly Pushed[];
  readonly publicKey: string;
  readonly browser: Browser;
  /** Answers for single paths. */
  readonly answers: Map<string, number>;
}

/** A browser's side of a subscription. */
export interface Browser {
  readonly keys: { readonly p256dh: string; readonly auth: string };
  decrypt(body: Buffer): Promise<string>;
}

type Bytes = ArrayBuffer | Uint8Array<ArrayBuffer>;

const { subtle } = globalThis.crypto;
const bytes = (it: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(it);
const utf8 = (text: string): Uint8Array<ArrayBuffer> => bytes(new TextEncoder().encode(text));

export async function openBrowser(): Promise<Browser> {
  const pair = await subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const own = bytes(new Uint8Array(await subtle.exportKey("raw", pair.publicKey)));
  const auth = globalThis.crypto.getRandomValues(new Uint8Array(16));

  async function hkdf(key: Bytes, salt: Bytes, info: Bytes, length: number) {
    const base = await subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
    return subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, base, 8 * length);
  }

  return {
    keys: {
      p256dh: Buffer.from(own).toString("base64url"),
      auth: Buffer.from(auth).toString("base64url"),
    },
    async decrypt(body) {
      const salt = bytes(body.subarray(0, 16));
      const idLength = body.readUInt8(20);
      const sender = bytes(body.subarray(21, 21 + idLength));
      const theirs = await subtle.importKey("raw", sender, { name: "ECDH", namedCurve: "P-256" }, false, []);
      const shared = await subtle.deriveBits({ name: "ECDH", public: theirs }, pair.privateKey, 256);
      const info = bytes(Buffer.concat([utf8("WebPush: info\0"), own, sender]));
      const secret = await hkdf(shared, auth, info, 32);
      const key = await subtle.importKey(
        "raw",
        await hkdf(secret, salt, utf8("Content-Encoding: aes128gcm\0"), 16),
        "AES-GCM",
        false,
        ["decrypt"],
      );
      const iv = await hkdf(secret, salt, utf8("Content-Encoding: nonce\0"), 12);
      const plain = Buffer.from(
        await subtle.decrypt({ name: "AES-GCM", iv }, key, bytes(body.subarray(21 + idLength))),
      );
      const end = plain.lastIndexOf(2);
      if (end < 0) throw new Error("the record has no end");
      return plain.subarray(0, end).toString();
    },
  };
}

const STATUS: Partial<Record<Fault, number>> = { refuse: 413, later: 429, ours: 403, fail: 503 };

export async function pushWorld(browsers: Model<Browsers>): Promise<PushWorld> {
  const pushed: Pushed[] = [];
  const answers = new Map<string, number>();
  let fault: Fault | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (it: Buffer) => chunks.push(it));
    request.on("end", () => {
      const path = request.url ?? "";
      const status = answers.get(path) ?? (fault && STATUS[fault]) ?? 201;
      if (fault === "close") return response.destroy();
      if (status === 201) pushed.push({ path, headers: request.headers, body: Buffer.concat(chunks) });
      if (fault === "hang") return;
      if (fault === "loseAnswer") return response.destroy();
      return response.writeHead(status).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const privateKey = newPrivateKey();
  const key = vapidKey(privateKey);
  const browser = await openBrowser();
  const secretPath = "the-secret-address-of-a-browser";
  const poster = createPoster({ allowPrivate: true, timeoutMs: 300, concurrency: 4 });
  const at = (origin: string) =>
    browsers.replaceOne(
      { _id: userId },
      {
        items: [
          {
            id: "01941b2e-5d00-7a11-8c42-000000000001",
            endpoint: `${origin}/${secretPath}`,
            keys: browser.keys,
            createdAt: new Date(),
          },
        ],
      },
      { upsert: true },
    );
  await at(url);
  return {
    channel: pushChannel({ browsers, poster, key: async () => key, subject: "mailto:shop@shop.example" }),
    url,
    pushed,
    answers,
    browser,
    publicKey: key.publicKey,
    async fail(it) {
      fault = it;
      if (it === "away") await at("http://127.0.0.1:1");
    },
    async heal() {
      fault = null;
      await at(url);
    },
    received: () => [...new Set(pushed.map((it) => `${it.path} ${it.headers.topic}`))],
    secrets: [privateKey, browser.keys.auth, secretPath],
    longest: { limit: 4_096, text: () => pushed[0]?.body.toString("latin1") ?? "" },
    async close() {
      poster.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
