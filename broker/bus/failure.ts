/** An error in the bounded form in which it travels with a dead message. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

export function describeFailure(error: Error): Failure {
  const { code, type } = error as { code?: unknown; type?: unknown };
  const known = [type, code].find((it) => typeof it === "string" || typeof it === "number");
  return {
    name: error.name.slice(0, 200),
    message: error.message.slice(0, 2_000),
    ...(known === undefined ? {} : { code: String(known).slice(0, 200) }),
    ...(error.stack ? { stack: error.stack.slice(0, 4_000) } : {}),
  };
}
