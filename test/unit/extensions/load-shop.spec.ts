import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConfigError } from "../../../broker/contract/variables.ts";
import { loadShop } from "../../../souk/load-shop.ts";

const CONTRACT = `
import { action, defineContract, event, extend } from "souk";
import { orderView } from "souk/contracts";
import { z } from "zod";
`;

describe("A shop with extensions", () => {
  const dir = mkdtempSync(join(tmpdir(), "souk-extensions-"));
  // The modules need zod, which a team has in its own package.
  const files = {
    "fine/souk.mjs": `${CONTRACT}
      const fine = defineContract({
        service: "fine",
        actions: { look: action({ summary: "Look", rest: "GET /fine/:id", auth: "public", params: z.strictObject({ id: z.string() }), returns: orderView }) },
        messages: { "fine.seen": event("fine", "Seen", z.strictObject({})) },
        workers: { watch: { receives: ["order.paid"] } },
      });
      export default extend({ name: "fine", contracts: [fine], services: { fine: () => import("./none.mjs") } });`,
    "second/souk.mjs": `import { extend } from "souk"; export default extend({ name: "second" });`,
    "namesake/souk.mjs": `import { extend } from "souk"; export default extend({ name: "fine" });`,
    "plain/souk.mjs": `export default { name: "plain", contracts: [], services: {}, migrations: {} };`,
    "none/souk.mjs": `export const it = 1;`,
    "broken/souk.mjs": `import "./not-there.mjs"; export default 1;`,
    "lame/souk.mjs": `throw new Error("two\\nlines");`,
    "service/souk.mjs": `${CONTRACT} defineContract({ service: "orders", actions: {}, messages: {} });`,
    "message/souk.mjs": `${CONTRACT} defineContract({ service: "mine", actions: {}, messages: { "order.paid": event("x", "x", z.strictObject({})) } });`,
    "loader/souk.mjs": `${CONTRACT} export default extend({ name: "loader", services: { orders: () => import("./none.mjs") } });`,
    "route/souk.mjs": `${CONTRACT}
      const theirs = defineContract({
        service: "theirs", messages: {},
        actions: { get: action({ summary: "Get", rest: "GET /orders/:number", auth: "public", params: z.strictObject({ number: z.string() }), returns: orderView }) },
      });
      export default extend({ name: "theirs", contracts: [theirs] });`,
    "variable/souk.mjs": `import { defineProvider, extend, z } from "souk";
      const port = defineProvider({ name: "port", variables: z.object({ PORT: z.string() }), secrets: [], create: () => null });
      export default extend({ name: "variable", providers: [port] });`,
    "code/souk.mjs": `import { defineErrors } from "souk"; defineErrors({ CART_EMPTY: { status: 409, title: "Empty." } });`,
    "provider/souk.mjs": `import { defineProvider, extend, z } from "souk";
      const stripe = defineProvider({ name: "stripe", variables: z.object({}), secrets: [], create: () => null });
      export default extend({ name: "provider", providers: [stripe] });`,
    "thing/souk.mjs": `import { extend, z } from "souk"; export default extend({ name: "thing", fields: { ordr: z.object({}) } });`,
    "node_modules/@team/gifts/package.json": `{ "name": "@team/gifts", "type": "module", "exports": { "import": "./lib/souk.js" } }`,
    "node_modules/@team/gifts/lib/souk.js": `import { extend } from "souk"; export default extend({ name: "gifts" });`,
  };

  before(() => {
    for (const [name, text] of Object.entries(files)) {
      const file = join(dir, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text.replaceAll('from "zod"', `from "${import.meta.resolve("zod")}"`));
    }
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const refused = async (names: string, line: RegExp) => {
    const error: unknown = await loadShop(names, dir).then(
      () => assert.fail(`${names} was taken`),
      (it) => it,
    );
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, line);
    assert.ok(!error.message.includes("\n"));
  };

  it("is Souk's own where there are none", async () => {
    for (const names of [undefined, "", " , "]) assert.equal((await loadShop(names, dir)).name, "souk");
  });

  it("has what they bring beside Souk's own, by paths from the working folder and names of packages", async () => {
    const shop = await loadShop("./fine/souk.mjs, ./second/souk.mjs,@team/gifts", dir);
    assert.deepEqual(
      shop.contracts.map((it) => it.service).filter((it) => it === "orders" || it === "fine"),
      ["orders", "fine"],
    );
    assert.ok("fine" in shop.services && "orders" in shop.services);
    assert.ok((await loadShop(join(dir, "second/souk.mjs"), "/")).contracts.length > 1);
  });

  it("refuses a module that is not there, and one that can't be loaded, in one line", async () => {
    await refused("./away.mjs", /^EXTENSIONS: \.\/away\.mjs: there is no such module$/);
    await refused("souk-away", /^EXTENSIONS: souk-away: there is no such module$/);
    await refused(
      "./broken/souk.mjs",
      /^EXTENSIONS: \.\/broken\/souk\.mjs: Cannot find module '.*not-there\.mjs'/,
    );
    await refused("./lame/souk.mjs", /^EXTENSIONS: \.\/lame\/souk\.mjs: two lines$/);
  });

  it("refuses a module without an extension", async () => {
    for (const name of ["./none/souk.mjs", "./plain/souk.mjs"])
      await refused(name, /has no default export made by extend\(…\) of souk$/);
  });

  it("refuses a name that is taken, of whatever kind, and fields of what takes none", async () => {
    await refused(
      "./fine/souk.mjs,./namesake/souk.mjs",
      /namesake\/souk\.mjs: there are two extensions fine$/,
    );
    await refused("./second/souk.mjs,./second/souk.mjs", /there are two extensions second$/);
    await refused("./service/souk.mjs", /contract orders is defined twice$/);
    await refused("./loader/souk.mjs", /extension loader: services: there is orders already$/);
    await refused("./message/souk.mjs", /message order\.paid is defined by orders already$/);
    await refused("./variable/souk.mjs", /the variable PORT is declared twice$/);
    await refused("./code/souk.mjs", /the error code CART_EMPTY is declared twice$/);
    await refused("./provider/souk.mjs", /there are two payment providers stripe$/);
    await refused("./thing/souk.mjs", /nothing takes fields of ordr; there are /);
    await refused("./route/souk.mjs", /theirs\.get: the route GET \/orders\/:number is taken$/);
  });
});
