/** The types of a service's handlers, by its contract. */
import type { CallingOptions, Context } from "moleculer";
import type { z } from "zod";
import type { CallMeta } from "../contract/call-meta.ts";
import type {
  ActionContract,
  ActionName,
  DataIn,
  MessageType,
  ParamsIn,
  Returned,
  ServiceContract,
} from "../contract/contract.ts";
import type { Message } from "../contract/envelope.ts";

export type TypedCall = <N extends ActionName>(
  name: N,
  params: ParamsIn<N>,
  options?: CallingOptions,
) => Promise<Returned<N>>;

export type ActionContext<P> = Omit<Context<P, CallMeta>, "call"> & { call: TypedCall };

export type ActionHandler<A> =
  A extends ActionContract<infer P, infer R>
    ? (ctx: ActionContext<z.output<P>>) => Promise<z.input<R>> | z.input<R>
    : never;

/** One handler for each action of the contract, and for no other. */
export type ActionHandlers<C extends ServiceContract> = {
  [K in keyof C["actions"] & string]: ActionHandler<C["actions"][K]>;
};

export interface WorkerTools {
  /**
   * Sends a message that answers the handled one. It resolves after the confirm. The id is derived from the handled
   * message, so a repeated call is harmless. `part` distinguishes several answers of one type.
   */
  answer<T extends MessageType>(type: T, subject: string, data: DataIn<T>, part?: string): Promise<void>;
}

type ReceivedBy<W> = W extends { receives: readonly (infer T)[] } ? Extract<T, MessageType> : never;

export type WorkerHandler<W> = (message: Message<ReceivedBy<W>>, tools: WorkerTools) => Promise<void>;

/** One handler for each worker of the contract, and for no other. */
export type WorkerHandlers<C extends ServiceContract> = {
  [K in keyof C["workers"] & string]: WorkerHandler<C["workers"][K]>;
};
