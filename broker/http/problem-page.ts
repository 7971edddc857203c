/** A failure as a page, for people who came with a browser. It says the same as the problem document. */
import { escapeHtml, htmlPage } from "./html-page.ts";
import type { Problem } from "./problem.ts";

export const problemPage = ({ status, title, detail, code, traceId }: Problem): string =>
  htmlPage(
    `${status} ${title}`,
    `<h1>${escapeHtml(title)}</h1>
${detail === title ? "" : `<p>${escapeHtml(detail)}</p>`}
<dl>
<dt>Status</dt><dd>${status}</dd>
<dt>Code</dt><dd><a href="/docs/errors#${encodeURIComponent(code)}">${escapeHtml(code)}</a></dd>
<dt>Trace id</dt><dd>${escapeHtml(traceId)}</dd>
</dl>
<p><a href="/">To the start page</a></p>`,
  );
