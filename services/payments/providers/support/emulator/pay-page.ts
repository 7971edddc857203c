/** The page of an emulator's redirects: buttons for what a customer may do. */
import { escapeHtml } from "../../../../../broker/http/html-page.ts";
import type { Outcome } from "../../emulator.ts";
import type { Answer } from "./http-app.ts";

const OUTCOMES: readonly Outcome[] = [
  "succeed",
  "decline",
  "cancel",
  "expire",
  "tooMuch",
  "withFee",
  "process",
];

/** Where the customer may go from the page. */
export interface WayBack {
  readonly label: string;
  readonly url: string | undefined;
}

/**
 * @param about shown as text; it is not trusted
 * @param back addresses that the shop has named
 */
export function payPage(
  title: string,
  about: string,
  providerRef: string,
  back: readonly WayBack[] = [],
): Answer {
  const links = back.flatMap(({ label, url }) =>
    url === undefined ? [] : [`<p><a href="${escapeHtml(url)}">${escapeHtml(label)}</a></p>`],
  );
  const buttons = OUTCOMES.map((it) => `<button value="${it}">${it}</button>`).join(" ");
  const body = `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<h1>${escapeHtml(title)}</h1><p>${escapeHtml(about)}</p><p id="buttons">${buttons}</p><pre id="answer"></pre>${links.join("")}
<script>
for (const button of document.querySelectorAll("button"))
  button.onclick = async () => {
    const answer = await fetch("/_sim/pay/" + ${JSON.stringify(encodeURIComponent(providerRef))}, {
      method: "POST",
      body: JSON.stringify({ outcome: button.value }),
    });
    document.querySelector("#answer").textContent = await answer.text();
  };
</script>`;
  return { status: 200, body, headers: { "content-type": "text/html; charset=utf-8" } };
}
