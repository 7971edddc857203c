import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { newId } from "../../../broker/contract/ids.ts";
import { firstAdmin, putOnSale } from "../../../souk/testing/people.ts";
import { type Shop, startShop } from "../../../souk/testing/start-shop.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const run = promisify(execFile);

describe("pages for people", function () {
  this.timeout(30_000);
  let shop: Shop;
  before(async () => {
    shop = await startShop({ env: { SHOP_NAME: "Lamps & <Lights>" } });
    await putOnSale(await firstAdmin(shop.http));
  });
  after(() => shop?.stop());

  async function get(path: string, accept?: string, method = "GET") {
    const reply = await fetch(shop.url + path, { method, headers: accept === undefined ? {} : { accept } });
    return {
      status: reply.status,
      type: reply.headers.get("content-type") ?? "",
      policy: reply.headers.get("content-security-policy") ?? "",
      vary: reply.headers.get("vary") ?? "",
      text: await reply.text(),
    };
  }
  const isStrict = (policy: string) => {
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; /);
    assert.doesNotMatch(policy, /unsafe|script-src|\*/);
  };

  it("begin at /, with links that lead somewhere, and no script", async () => {
    const page = await get("/", BROWSER);
    assert.deepEqual([page.status, page.type], [200, "text/html; charset=utf-8"]);
    isStrict(page.policy);
    assert.match(page.text, /<h1>Lamps &amp; &lt;Lights&gt;<\/h1>/);
    assert.doesNotMatch(page.text, /<script|style="| on\w+="/);
    const links = [...page.text.matchAll(/href="([^"]+)"/g)].map((it) => it[1] ?? "");
    for (const link of links.filter((it) => it.startsWith("/")))
      assert.equal((await get(link, BROWSER)).status, 200, link);
    for (const link of links.filter((it) => it.startsWith("#")))
      assert.ok(page.text.includes(`id="${link.slice(1)}"`), link);
    assert.ok(links.includes("/docs") && links.includes("/health/ready") && links.includes("#story"));
  });

  it("tell a story that comes true as it stands", async () => {
    const { text } = await get("/");
    const story = /<pre>([\s\S]*?)<\/pre>/.exec(text)?.[1] ?? "";
    const script = story
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&amp;", "&");
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { timeout: 20_000 });
    const url = stdout.trim().split(/[\n}]/).at(-1) ?? "";
    const pay = await fetch(url, { headers: { accept: BROWSER } });
    assert.deepEqual(
      [pay.status, pay.headers.get("content-type")],
      [200, "text/html; charset=utf-8"],
      stdout,
    );
  });

  it("say what went wrong as a page, with the code and the trace id of the problem document", async () => {
    for (const [path, status, code] of [
      ["/nowhere", 404, "ROUTE_NOT_FOUND"],
      ["/docs/nowhere", 404, "ROUTE_NOT_FOUND"],
      ["/<script>alert(1)</script>", 404, "ROUTE_NOT_FOUND"],
      [`/api/v1/sandbox/pay/${newId()}`, 404, "NOT_FOUND"],
    ] as const) {
      const page = await get(path, BROWSER);
      assert.deepEqual([page.status, page.type], [status, "text/html; charset=utf-8"], path);
      isStrict(page.policy);
      assert.match(page.text, new RegExp(`>${code}</a>`));
      assert.match(page.text, /<dd>[0-9a-f]{32}<\/dd>/);
      assert.ok(!page.text.includes("<script"));
      assert.match(page.vary, /Accept/);
      // The pay page is only to be had as a page.
      if (path.startsWith("/api")) continue;
      const document = await get(path, "application/json");
      assert.equal(document.type, "application/problem+json");
      assert.equal(JSON.parse(document.text).code, code);
      assert.equal((await get(path)).type, "application/problem+json");
      assert.equal((await get(path, "application/json, text/html;q=0.5")).type, "application/problem+json");
    }
    assert.equal((await get("/", "application/json")).status, 406);
    const wrong = await get("/", BROWSER, "POST");
    assert.deepEqual([wrong.status, wrong.type], [405, "text/html; charset=utf-8"]);
    const head = await get("/nowhere", BROWSER, "HEAD");
    assert.deepEqual([head.status, head.text], [404, ""]);
  });

  it("leave the API's own failures to programs, whatever they accept", async () => {
    for (const path of ["/api/v1/orders", "/api/v1/nowhere", "/api/v1"])
      assert.equal((await get(path, BROWSER)).type, "application/problem+json", path);
  });
});
