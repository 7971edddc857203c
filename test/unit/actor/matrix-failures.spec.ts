/** The crash matrix itself: a run that fails ends, so that it takes no message of the runs after it. */
import assert from "node:assert/strict";
import { crashMatrix } from "../../../souk/testing/matrix/crash-matrix.ts";
import { shopOf } from "./support/matrix/matrices.ts";

type Work = () => unknown;

/** The tests that a matrix registers, instead of registering them. */
function registered(register: () => void): Map<string, Work> {
  const works = new Map<string, Work>();
  const { it: outerIt, before: outerBefore, after: outerAfter } = globalThis;
  const keep = (name: string, work: Work) => void works.set(name, work);
  const stand = {
    it: keep,
    before: (work: Work) => keep("before", work),
    after: (work: Work) => keep("after", work),
  };
  Object.assign(globalThis, stand);
  try {
    register();
  } finally {
    Object.assign(globalThis, { it: outerIt, before: outerBefore, after: outerAfter });
  }
  return works;
}

describe("A crash matrix with a test that fails", function () {
  this.timeout(60_000);
  let open = 0;
  let isFailing = false;
  let works: Map<string, Work>;

  before(() => {
    works = registered(() =>
      crashMatrix({
        shop: shopOf("imports/crash-matrix"),
        only: [],
        async world() {
          open++;
          return {
            close: async () => {
              open--;
            },
          };
        },
        async play(run) {
          run.points.armed = true;
          await run.rest();
          if (isFailing) throw new Error("no tea");
          return undefined;
        },
      }),
    );
    return works.get("before")?.();
  });
  after(() => works.get("after")?.());

  it("closes the failed run before the next one begins", async () => {
    const name = "comes to the same without a crash, messages duplicated";
    isFailing = true;
    await assert.rejects(async () => works.get(name)?.(), /no tea/);
    assert.equal(open, 0);
    isFailing = false;
    await works.get(name)?.();
    assert.equal(open, 0);
  });
});
