/** What the gateway puts into `ctx.meta`, and services may rely on. */
export interface CallMeta {
  user?: {
    id: string;
    roles: readonly ("customer" | "staff" | "admin")[];
    /** The session of the access token. */
    session?: string;
  };
  /** `X-Cart-Id`, checked to be an id. */
  cartId?: string;
  /** Checked `Idempotency-Key`; `resourceId` is the id that a repeated run must use again. */
  idempotencyKey?: string;
  resourceId?: string;
  ifMatch?: number;
  /** Seconds from `Prefer: wait=N`. */
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

/** Whether a caller is staff; admins are, too. */
export const isStaff = (user: CallMeta["user"]): boolean =>
  user?.roles.some((role) => role === "staff" || role === "admin") ?? false;
