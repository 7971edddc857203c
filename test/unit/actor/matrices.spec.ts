import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import core from "../../../services/index.ts";
import { killedBy, MATRICES } from "./support/matrix/matrices.ts";

/** The log of all messages. A run of the matrix has no such tap; test/integration/audit/log.spec.ts repeats messages. */
const NO_MATRIX = ["audit"];

describe("Crash matrices", () => {
  it("kill each service once, with all of its actors and workers", () => {
    const covered = Object.values(MATRICES).flat();
    assert.deepEqual(
      [...covered, ...NO_MATRIX].sort(),
      core.contracts.map((it) => it.service).sort(),
      "a service is in one list of test/unit/actor/support/matrix/matrices.ts",
    );
    const killed = (Object.keys(MATRICES) as (keyof typeof MATRICES)[]).flatMap(killedBy);
    const all = core.contracts.flatMap(({ service, actors, workers }) => [
      ...Object.keys(actors),
      ...Object.keys(workers).map((it) => `${service}.${it}`),
    ]);
    assert.deepEqual(killed.sort(), all.sort());
  });

  for (const spec of Object.keys(MATRICES))
    it(`has ${spec}`, () => {
      assert.ok(existsSync(new URL(`../${spec}.spec.ts`, import.meta.url)));
    });
});
