/** The page that replaces PayPal's own pages. */
import type { Order } from "./state.ts";

const escaped = (text: string): string => text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`);

export const approvePage = ({
  amount,
  description = "",
  status,
  email = "",
}: Order): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Approve a payment – PayPal emulator</title>
<style>:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif } main { max-width: 24rem; margin: 4rem auto; padding: 0 1rem } button { font: inherit; padding: .6rem 1rem; margin: .25rem .25rem 0 0 }</style>
</head><body><main>
<p>PayPal emulator: no money moves here.</p>
<h1>${escaped(amount.value)} ${escaped(amount.currency_code)}</h1>
<p>${escaped(description)}</p>
<p>${escaped(email)}</p>
${
  status === "PAYER_ACTION_REQUIRED" || status === "CREATED"
    ? `<form method="post"><button name="outcome" value="succeed">Approve</button><button name="outcome" value="decline">Approve, the bank declines</button><button name="outcome" value="cancel">Cancel</button></form>`
    : `<p role="status">This order is ${escaped(status.toLowerCase())}.</p>`
}
</main></body></html>
`;
