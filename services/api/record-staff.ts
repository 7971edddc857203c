/**
 * Tells `users` what staff and keys change, or try to. An action runs only after its attempt is on record. See
 * docs/access.md for the limits.
 */
import { type CallMeta, isStaff } from "../../broker/contract/call-meta.ts";
import { isReadOnly, type ParamsIn } from "../../broker/contract/contract.ts";
import { newId } from "../../broker/contract/ids.ts";
import { redactedReason } from "../../broker/contract/secrets/redact.ts";
import type { ApiRoute } from "../../broker/http/api-route.ts";
import type { Exchange } from "../../broker/http/http-exchange.ts";
import { failureOf } from "../../broker/http/problem.ts";
import type { TypedCall } from "../../broker/moleculer/handlers.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import type { Log } from "../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../broker/resilience/rate-limited-log.ts";

type StaffAct = ParamsIn<"users.staffAttempted">["act"];

/** Tells how an attempt ended: nothing for a success, else what was thrown. */
export type Conclude = (error?: unknown) => void;

export interface StaffRecord {
  /**
   * Puts a request on record whose action is called next. Undefined where there is nothing to record.
   * @throws what the call throws: without a record the action must not run
   */
  attempted(exchange: Exchange, route: ApiRoute, path: PathParams): Promise<Conclude | undefined>;
  /** The request was refused before its action was called. */
  refused(exchange: Exchange, route: ApiRoute, path: PathParams, error: unknown): void;
}

type PathParams = Readonly<Record<string, string>>;

/** Longer ones are cut. */
const MAX_PATH = 1_024;
const MAX_ID = 128;

export function createStaffRecord(call: TypedCall, clock: Clock, log: Log): StaffRecord {
  function end(id: string, act: StaffAct, status: number): void {
    call("users.staffActed", { id, act, status }).catch((error: unknown) =>
      rateLimitedLog(log).warn("acts", "the outcome of an act of staff was not recorded", {
        action: act.action,
        requestId: act.requestId,
        reason: redactedReason(error),
      }),
    );
  }

  function actOf(exchange: Exchange, route: ApiRoute, path: PathParams): StaffAct | undefined {
    const { caller } = exchange;
    if (!caller || !isAct(route, caller)) return undefined;
    const [resource] = Object.entries(path).find(([name]) => !route.secretParams.has(name)) ?? [];
    const resourceId = resource === undefined ? undefined : path[resource]?.slice(0, MAX_ID);
    return {
      actor: {
        kind: caller.keyOf === undefined ? "user" : "key",
        id: caller.id,
        userId: caller.keyOf ?? caller.id,
        roles: [...caller.roles],
      },
      action: route.action,
      method: route.method,
      path: (exchange.shownPath ?? exchange.path).slice(0, MAX_PATH),
      ...(resourceId === undefined ? {} : { resourceId }),
      ip: exchange.clientIp,
      requestId: exchange.requestId,
      at: new Date(clock.now()).toISOString(),
    };
  }

  return {
    async attempted(exchange, route, path) {
      const act = actOf(exchange, route, path);
      if (!act) return undefined;
      const id = newId();
      await call("users.staffAttempted", { id, act });
      return (error) => end(id, act, error === undefined ? route.status : failureOf(error).status);
    },
    refused(exchange, route, path, error) {
      const act = actOf(exchange, route, path);
      if (act) end(newId(), act, failureOf(error).status);
    },
  };
}

/** Whether a request may change something, and is made as staff rather than as a customer. */
const isAct = ({ auth, contract }: ApiRoute, caller: NonNullable<CallMeta["user"]>): boolean =>
  isStaff(caller) &&
  !isReadOnly(contract) &&
  (auth === "staff" || auth === "admin" || contract.widerScope !== undefined);
