/** `/.well-known/jwks.json`: the public keys of access tokens, for whoever verifies them beside the gateway. */
import type { Page } from "../../broker/http/gateway.ts";
import { bodyTag, isNotModified } from "../../broker/http/request/conditional.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { sharedValue } from "../../broker/resilience/single-flight.ts";

const PATH = "/.well-known/jwks.json";
/** A new key is published an hour before it signs, so that a cache of this age knows it in time. */
const MAX_AGE_SECONDS = 300;
/** However often the page is asked for, `users` is asked once in this time. */
const KEEP_MS = 10_000;

export function jwksPage(fetchJwks: () => Promise<{ keys: readonly object[] }>, clock: Clock): Page {
  const keys = sharedValue(
    async () => {
      const text = JSON.stringify(await fetchJwks());
      return { body: Buffer.from(text), tag: bodyTag(text) };
    },
    { clock, keepMs: () => KEEP_MS },
  );
  return {
    path: PATH,
    produces: "application/json",
    async respond({ req, res }) {
      const { body, tag } = await keys.get();
      res.setHeader("Cache-Control", `public, max-age=${MAX_AGE_SECONDS}`);
      res.setHeader("ETag", tag);
      // They are public, also for pages of other origins.
      res.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
      if (isNotModified(req.headers["if-none-match"], tag)) {
        res.writeHead(304).end();
        return;
      }
      res.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length });
      res.end(body);
    },
  };
}
