/** The page for customers who come back from a provider, where the shop has no page of its own. Plain HTML. */
import type { ParamsIn } from "../../broker/contract/contract.ts";

type Outcome = NonNullable<ParamsIn<"payments.returnPage">["outcome"]>;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { width: min(26rem, calc(100vw - 5rem)); padding: 1.5rem; border: 1px solid #8886; border-radius: 12px; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; }
p { margin: 0; }
`;

/** Whether it is paid, only the order says. The address of this page says nothing that can be trusted. */
const TEXTS: Record<Outcome, [heading: string, text: string]> = {
  succeeded: [
    "Thank you",
    "The payment provider tells the shop how your payment stands. Your order shows it in a moment.",
  ],
  failed: ["Not paid", "Your order shows how your payment stands, and lets you pay in another way."],
  cancelled: ["Not paid", "You have left the payment. Your order lets you pay again, or in another way."],
};

/** @param outcome as in the address; it decides on the text alone */
export function returnedPage(outcome: Outcome = "succeeded"): string {
  const [heading, text] = TEXTS[outcome];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${heading}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${heading}</h1>
<p>${text}</p>
</main>
</body>
</html>
`;
}
