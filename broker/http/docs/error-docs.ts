/** The error registry as a page of Markdown. */
import { errorRegistry } from "../../contract/errors.ts";

export function errorsMarkdown(): string {
  const rows = Object.entries(errorRegistry).map(
    ([code, entry]) =>
      `| \`${code}\` | ${entry.status} | ${entry.title} | ${"retryable" in entry ? "yes" : ""} |`,
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
