import type { Scope } from "./contract.ts";

/** What the gateway puts into `ctx.meta`. Services may rely on it. */
export interface CallMeta {
  user?: {
    id: string;
    roles: readonly ("customer" | "staff" | "admin")[];
    /** The session of the access token. */
    session?: string;
    /** What a member of staff, or a key, may do. Admins may do everything. */
    scopes?: readonly Scope[];
    /** The caller is a machine with a key, whose id is `id`. This is the member of staff who made the key. */
    keyOf?: string;
  };
  /** `X-Cart-Id`, validated as an id. */
  cartId?: string;
  /** `X-Order-Token`: the secret of a guest's order. */
  orderToken?: string;
  /** The validated `Idempotency-Key`. `resourceId` is the id that a repeated run must reuse. */
  idempotencyKey?: string;
  resourceId?: string;
  /** Of the cookie that the action's contract names. */
  cookie?: string;
  ifMatch?: number;
  /** N of `Prefer: wait=N`, in seconds. */
  preferWait?: number;
  requestId?: string;
  traceparent?: string;
  /** Network address of the caller, for security logs and limits. */
  clientIp?: string;
  /** `User-Agent`, shortened, for the list of a user's sessions. */
  userAgent?: string;
  /** Set by an action: headers for the HTTP reply. */
  $responseHeaders?: Record<string, string>;
  $statusCode?: number;
  $responseType?: string;
}

/** Whether a caller is staff. Admins are staff too. */
export const isStaff = (user: CallMeta["user"]): boolean =>
  user?.roles.some((role) => role === "staff" || role === "admin") ?? false;

/** Whether a caller may do this with things of everybody: an admin, or staff and keys with the scope. */
export const may = (user: CallMeta["user"], scope: Scope): boolean =>
  user !== undefined &&
  (user.roles.includes("admin") || (isStaff(user) && (user.scopes?.includes(scope) ?? false)));
