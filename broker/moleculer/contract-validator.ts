/**
 * Validation through Moleculer's own hook. An action's `params` name its contract, and that contract's zod schema
 * validates.
 */
import { type Context, type Middleware, Validators } from "moleculer";
import { validationFailure } from "../contract/check-request.ts";
import { type ActionContract, actionContract } from "../contract/contract.ts";
import { withFields } from "../contract/fields.ts";
import { IN_SENTENCES } from "../contract/sentences.ts";
import { knownPart, tolerant } from "../contract/tolerant.ts";

/** An action without a contract, such as the gateway's, passes its input on unchanged. */
const isPassedOn = ({ options }: Context): boolean => {
  const { parentCtx } = options as { parentCtx?: Context };
  return parentCtx?.action != null && actionContract(parentCtx.action.name ?? "") === undefined;
};

/**
 * Replaces `ctx.params` by the parsed value of the contract's schema. Reduces an answer of another node to its known
 * fields. Nodes may have different versions, so unknown fields are dropped.
 */
export class ContractValidator extends Validators.Base {
  constructor() {
    super({});
  }

  override middleware(): Middleware {
    return {
      name: "ContractValidator",
      localAction: (handler, action) => {
        const name: unknown = action.params?.$contract;
        if (typeof name !== "string") return handler;
        const { params: strict } = requireContract(name);
        const params = tolerant(strict);
        return function validated(ctx) {
          const parsed = params.safeParse(ctx.params ?? {}, IN_SENTENCES);
          // Not thrown: this handler is not async, so the caller would get an exception instead of a rejected
          // promise.
          if (!parsed.success) return Promise.reject(validationFailure(parsed.error));
          const given = parsed.data as Readonly<Record<string, unknown>>;
          ctx.params = withFields(strict, given, () => ctx.broker.souk.shop.fields) as typeof ctx.params;
          return handler.call(this, ctx);
        };
      },
      remoteAction: (handler, action) => {
        const contract = actionContract(action.name ?? "");
        if (!contract) return handler;
        const { returns } = contract;
        return function known(ctx) {
          const answer: Promise<unknown> = handler.call(this, ctx);
          return isPassedOn(ctx) ? answer : answer.then((it) => knownPart(returns, it));
        };
      },
    };
  }

  override compile(schema: Record<string, unknown>) {
    return (params: Record<string, unknown>) => this.validate(params, schema);
  }

  override validate(params: Record<string, unknown>, schema: Record<string, unknown>): boolean {
    const parsed = tolerant(requireContract(String(schema.$contract)).params).safeParse(params, IN_SENTENCES);
    if (!parsed.success) throw validationFailure(parsed.error);
    return true;
  }

  override convertSchemaToMoleculer(): never {
    throw new Error("schemas come from contracts, not from Moleculer's shorthand");
  }
}

function requireContract(name: string): ActionContract {
  const contract = actionContract(name);
  if (!contract) throw new Error(`no contract for the action ${name}`);
  return contract;
}
