/** HTML pages of the gateway: one style, no scripts, and a policy that allows this style only. */
import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; --text: #1c1917; --soft: #57534e; --back: #fafaf9; --card: #fff; --line: #e7e5e4; --link: #0f5f8f; font: 16px/1.6 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --text: #f5f5f4; --soft: #a8a29e; --back: #1c1917; --card: #292524; --line: #44403c; --link: #7dc4ef; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--back); }
main { max-width: 46rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 4rem) 1rem 3rem; }
h1 { margin: 0 0 .25rem; font-size: clamp(1.75rem, 6vw, 2.5rem); line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
p { margin: .25rem 0 1rem; color: var(--soft); overflow-wrap: anywhere; }
a { color: var(--link); }
ul.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); gap: .75rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
ul.cards a { display: block; height: 100%; padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); color: var(--text); text-decoration: none; }
ul.cards a:hover, ul.cards a:focus-visible { border-color: var(--link); }
ul.cards b { display: block; color: var(--link); }
ul.cards span { color: var(--soft); font-size: .9rem; }
pre { margin: 0; padding: 1rem; overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); font: .85rem/1.6 ui-monospace, monospace; }
ul.rows { margin: 1.5rem 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); overflow: hidden; }
ul.rows li + li { border-top: 1px solid var(--line); }
ul.rows a { display: block; padding: .75rem 1rem; color: var(--text); text-decoration: none; overflow-wrap: anywhere; }
ul.rows a:hover, ul.rows a:focus-visible { background: var(--back); }
ul.rows b { display: block; color: var(--link); }
ul.rows span { color: var(--soft); font-size: .9rem; }
iframe { display: block; width: 100%; height: 44rem; border: 1px solid var(--line); border-radius: .6rem; background: #fff; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1.5rem 0; }
dt { color: var(--soft); }
form { display: grid; gap: .75rem; max-width: 22rem; margin: 1.5rem 0; }
label { display: grid; gap: .25rem; }
input, button { font: inherit; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--card); color: inherit; }
button { border-color: var(--link); color: var(--link); font-weight: 600; cursor: pointer; }
p[role=alert], p[role=status] { color: var(--text); font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
`;

const styleHash = createHash("sha256").update(STYLE).digest("base64");

const policy = (formAction: "'none'" | "'self'") =>
  `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action ${formAction}; ` +
  "frame-ancestors 'none'";

/** For {@link htmlPage}. */
export const HTML_PAGE_POLICY = policy("'none'");
/** For {@link htmlPage} with a form that is sent to the gateway. */
export const HTML_FORM_POLICY = policy("'self'");

/** @param title as plain text @param content of the page, as HTML */
export const htmlPage = (title: string, content: string, lang = "en"): string => `<!doctype html>
<html lang="${escapeHtml(lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (it) => ESCAPES[it] ?? it);
