/** All error codes as a page of Markdown. */
import { type ErrorEntries, errorsOf } from "../../contract/errors.ts";

/** @param declared everything that declares codes beside those of every service: contracts, payment providers */
export function errorsMarkdown(declared: readonly { readonly errors?: ErrorEntries }[]): string {
  const rows = errorsOf(declared).map(
    ([code, { status, title, retryable }]) =>
      `| \`${code}\` | ${status} | ${title} | ${retryable ? "yes" : ""} |`,
  );
  return [
    "# Errors",
    "",
    "Every failure is an `application/problem+json` document (RFC 9457). `code` is stable; `status` and the sentence",
    "belong to it. `errors` names the fields of a request that does not fit; `traceId` finds the request in the logs.",
    "Where a request is worth repeating as it is, `Retry-After` says when.",
    "",
    "| code | status | meaning | worth repeating |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
