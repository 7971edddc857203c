import assert from "node:assert/strict";
import { z } from "zod";
import { action } from "../../../broker/contract/contract.ts";
import {
  defineErrors,
  type ErrorCode,
  errorCode,
  errorEntry,
  errorsOf,
  expectedFailure,
  genericErrors,
  SoukError,
} from "../../../broker/contract/errors.ts";
import { errorsMarkdown } from "../../../broker/http/docs/error-docs.ts";
import { isTransient } from "../../../broker/resilience/retry.ts";
import core from "../../../services/index.ts";

describe("Error codes", () => {
  it("are typed, whichever domain declares them", () => {
    assert.equal(new SoukError("DELIVERY_TRANSITION").code, 409);
    // @ts-expect-error no such code
    assert.throws(() => new SoukError("DELIVERY_TRANSITOIN"), /no loaded contract declares/);
    const contract = { summary: "", params: z.strictObject({}), returns: z.void() };
    action({ ...contract, errors: ["NOT_FOUND", "CART_FULL"] });
    // @ts-expect-error no such code
    action({ ...contract, errors: ["NOT_FOUND", "CART_FULLL"] });
    // @ts-expect-error no such code
    action({ ...contract, problems: { CART_FULLL: z.object({}) } });
  });

  it("are declared once, and look like one", () => {
    assert.throws(
      () => defineErrors({ CART_FULL: { status: 409, title: "" } }),
      /CART_FULL is declared twice/,
    );
    assert.throws(() => defineErrors({ cartFull: { status: 409, title: "" } }), /capitals, digits and _/);
    assert.throws(
      () => defineErrors({ ALL_FINE: { status: 200, title: "" } }),
      /200 is no status of an error/,
    );
  });

  it("of every service know nothing of a domain's; each contract names its own", () => {
    const own = core.contracts.flatMap((it) => Object.keys(it.errors ?? {}));
    assert.ok(own.includes("DELIVERY_TRANSITION") && !own.includes("NOT_FOUND"));
    assert.deepEqual(
      errorsOf(core.contracts).map(([code]) => code),
      [...Object.keys(genericErrors), ...own],
    );
    for (const { actions } of core.contracts)
      for (const { errors = [] } of Object.values(actions)) for (const code of errors) errorEntry(code);
  });

  it("stand in docs/errors.md, a provider's and an extension's too", () => {
    const errors = {
      POINTS_TOO_FEW: { status: 409, title: "There are not so many points.", retryable: true },
    } as const;
    assert.match(
      errorsMarkdown([{ errors }]),
      /\| `POINTS_TOO_FEW` \| 409 \| There are not so many points\. \| yes \|/,
    );
  });

  it("of a node whose contracts are not loaded here keep what the error says", () => {
    const foreign = (code: number, retryable: boolean) =>
      Object.assign(new Error("no"), { name: "SoukError", type: "POINTS_TOO_FEW", code, retryable });
    assert.deepEqual(expectedFailure(foreign(409, false)), {
      code: "POINTS_TOO_FEW",
      status: 409,
      title: "Conflict",
    });
    assert.equal(errorCode(foreign(409, false)), undefined);
    assert.equal(isTransient(foreign(409, false)), false);
    assert.equal(isTransient(foreign(503, true)), true);
    const known: ErrorCode | undefined = errorCode(new SoukError("CART_FULL"));
    assert.equal(known, "CART_FULL");
  });
});
