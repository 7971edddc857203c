/** The sandbox's pay page, as a customer sees it at a provider. It is plain HTML with a form, and needs no script. */
import { escapeHtml } from "../../../../broker/http/html-page.ts";
import { amountsIn } from "../../invoices/printed-document.ts";
import type { SandboxPayment, SandboxStatus } from "./sandbox.model.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(26rem, calc(100vw - 5rem)); padding: 1.5rem; border: 1px solid #8886; border-radius: 12px; }
p { margin: 0; }
p.sandbox { padding: .25rem .75rem; border-radius: 6px; background: #fde68a; color: #422006; }
h1 { margin: 1rem 0 0; font-size: 2.25rem; }
form { display: grid; gap: .75rem; margin-top: 1.5rem; }
button { font: inherit; padding: .75rem; border-radius: 8px; border: 1px solid #888; background: none; color: inherit; cursor: pointer; }
button.pay { background: #166534; border-color: #166534; color: #fff; font-weight: 600; }
button:focus-visible { outline: 3px solid #2563eb; outline-offset: 2px; }
p.back { margin-top: 1.5rem; }
p[role=status] { margin-top: 1.5rem; font-weight: 600; }
`;

const FORM = `<form method="post">
<input type="hidden" name="page" value="true">
<button class="pay" name="outcome" value="succeed">Pay</button>
<button name="outcome" value="decline">Decline the payment</button>
<button name="outcome" value="expire">Let it expire</button>
<button name="outcome" value="process">Pay by a slow bank</button>
</form>`;

const BANK = `<p role="status">The bank works on this payment.</p>
<form method="post">
<input type="hidden" name="page" value="true">
<button class="pay" name="outcome" value="succeed">The bank pays</button>
<button name="outcome" value="decline">The bank declines</button>
</form>`;

const over = (text: string): string => `<p role="status">${text}</p>`;

const CONTENT: Record<SandboxStatus, string> = {
  pending: FORM,
  processing: BANK,
  captured: over("This payment has been paid."),
  failed: over("This payment was declined."),
  expired: over("This payment has expired."),
  cancelled: over("This payment was cancelled by the shop."),
};

/** @param status the present one, which may not be in the document yet */
export function payPage(payment: SandboxPayment, status: SandboxStatus): string {
  const { amount, currency, orderNumber, back } = payment;
  const order = escapeHtml(orderNumber);
  const isPaid = status === "captured" || status === "processing";
  const shop = back && escapeHtml(isPaid ? back.succeeded : back.failed);
  // A form's answer must not lead elsewhere by the page's own policy, so the page leads on. Not while something is
  // to be decided here.
  const goesOn =
    shop && status !== "pending" && status !== "processing"
      ? `<meta http-equiv="refresh" content="3; url=${shop}">`
      : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">${goesOn}
<title>Pay order ${order} – Sandbox</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="sandbox">Sandbox: no money moves here.</p>
<h1>${escapeHtml(amountsIn(currency)(amount))}</h1>
<p>Order ${order}</p>
${CONTENT[status]}
${shop ? `<p class="back"><a href="${shop}">Back to the shop</a></p>` : ""}
</main>
</body>
</html>
`;
}
