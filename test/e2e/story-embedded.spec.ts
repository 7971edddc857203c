import assert from "node:assert/strict";
import { openToOthers } from "../support/open-to-others.ts";
import { type ScriptRun, startScript } from "../support/scripts/start-script.ts";
import { checkStory } from "../support/shop/check-story.ts";
import { tellStory } from "../support/shop/readme-story.ts";

describe("the README's story on `npm start`, embedded", () => {
  let shop: ScriptRun;

  before(async function () {
    this.timeout(60_000);
    shop = await startScript("start");
  });

  after(async function () {
    this.timeout(30_000);
    await shop?.stop();
  });

  it("goes from registration to a delivered order, and stock goes down by what was bought", async function () {
    this.timeout(60_000);
    const token = await shop.bootstrapToken();
    checkStory(await tellStory(`${shop.url}/api/v1`, token));
  });

  it("prints where everything is", () => {
    const output = shop.output();
    assert.match(output, new RegExp(`${shop.url}/docs`));
    assert.match(output, /bootstrap/i);
  });

  it("keeps its data where nobody else can read it", () => {
    assert.deepEqual(openToOthers(shop.dataDir), []);
  });

  it("stops in order on SIGTERM, with exit code 0", async function () {
    this.timeout(30_000);
    assert.equal(await shop.terminate(), 0);
  });
});
