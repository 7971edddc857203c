/**
 * Removes secrets from text before it is printed. Secrets are passwords in addresses, secret query parameters, and
 * all secret values that this process was given. Time is linear in the length of the text.
 */
const MASK = "***";
/** Shorter values are parts of ordinary words. In an address they are masked too. */
const MIN_KNOWN = 6;

const known = new Set<string>();
let knownPattern: RegExp | undefined;

/** From now on, {@link redact} masks this value everywhere, also in its URL and JSON encodings. */
export function keepSecret(value: string): void {
  // The lines of a PEM key may be printed one by one.
  const lines = value.split(/\r?\n/).filter((it) => !it.startsWith("-----"));
  for (const line of [value, ...lines].map((it) => it.trim()))
    for (const form of [line, decoded(line), encodeURIComponent(line), encodeURI(line)].flatMap((it) => [
      it,
      inJson(it),
    ]))
      if (form.length >= MIN_KNOWN && !known.has(form)) {
        known.add(form);
        knownPattern = undefined;
      }
}

/** Registers the passwords of all addresses in the text. See {@link keepSecret}. */
export function keepPasswords(text: string): void {
  for (const { scheme, info } of userinfos(text))
    if (info.password !== undefined) keepSecret(info.password);
    else if (!NAMED_USERS.test(scheme)) keepSecret(info.user);
  for (const [, , name = "", value = ""] of text.matchAll(PARAMETER))
    if (SECRET_NAME.test(name)) keepSecret(value);
}

/** The text without secrets. */
export function redact(text: string): string {
  let clean = text.includes("://") ? withoutPasswords(text) : text;
  if (clean.includes("="))
    clean = clean.replace(PARAMETER, (all, mark: string, name: string) =>
      SECRET_NAME.test(name) ? `${mark}${name}=${MASK}` : all,
    );
  if (known.size === 0) return clean;
  knownPattern ??= new RegExp([...known].sort(longerFirst).map(RegExp.escape).join("|"), "g");
  return clean.replace(knownPattern, MASK);
}

const PARAMETER = /([?&;])([\w.-]{1,100})=([^&;#\s"'<>,]+)/g;
const SECRET_NAME = /password|passwd|passphrase|secret|token|ticket|api_?key|signature/i;

/** In these schemes a user without a password is a name. Elsewhere, as in NATS, it is a token. */
const NAMED_USERS = /(?:amqps?|mongodb(?:\+srv)?|rediss?(?:\+sentinel)?|mqtts?)$/i;

interface Userinfo {
  user: string;
  password: string | undefined;
}
/** The position of a userinfo, without its `@`. */
interface Found {
  from: number;
  to: number;
  scheme: string;
  info: Userinfo;
}

/** Characters that end an address in running text or JSON. */
const END = /[\s"<>`]/;

/** All userinfos of the addresses in the text, in order. */
function userinfos(text: string): Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf("://"), next: number; at >= 0; at = next) {
    const from = at + 3;
    next = text.indexOf("://", from);
    const piece = text.slice(from, next < 0 ? undefined : next);
    const end = piece.search(END);
    const address = end < 0 ? piece : piece.slice(0, end);
    const length = userinfoLength(address);
    if (length < 0) continue;
    const info = address.slice(0, length);
    const colon = info.indexOf(":");
    found.push({
      from,
      to: from + length,
      scheme: text.slice(Math.max(0, at - 16), at),
      info:
        colon < 0
          ? { user: info, password: undefined }
          : { user: info.slice(0, colon), password: info.slice(colon + 1) },
    });
  }
  return found;
}

/** Length of `user:password` after `://`, or -1. */
function userinfoLength(address: string): number {
  const slash = address.search(/[/?#]/);
  const authority = slash < 0 ? address : address.slice(0, slash);
  const inAuthority = authority.lastIndexOf("@");
  if (inAuthority >= 0) return inAuthority;
  // The password contains a slash that is not percent-encoded, so the "port" is no number.
  const colon = authority.lastIndexOf(":");
  const port = authority.slice(colon + 1);
  return colon >= 0 && !port.endsWith("]") && !/^\d*$/.test(port) ? address.lastIndexOf("@") : -1;
}

function withoutPasswords(text: string): string {
  let clean = "";
  let done = 0;
  for (const { from, to, scheme, info } of userinfos(text)) {
    if (info.password === undefined && NAMED_USERS.test(scheme)) continue;
    clean += text.slice(done, from) + (info.password === undefined ? MASK : `${info.user}:${MASK}`);
    done = to;
  }
  return clean + text.slice(done);
}

/** An error in one line, with its code and causes, without secrets. */
export function redactedReason(error: unknown): string {
  const parts: string[] = [];
  for (let it: unknown = error, depth = 0; it !== undefined && it !== null && depth < 5; depth++) {
    if (!(it instanceof Error)) {
      parts.push(String(it));
      break;
    }
    const { code, errors } = it as { code?: unknown; errors?: unknown };
    // Several addresses were tried. The message of such an error is often empty.
    const inner = Array.isArray(errors) ? errors.map((one) => redactedReason(one)).join(", ") : "";
    const text = it.message || inner || it.name;
    parts.push(typeof code === "string" && !text.includes(code) ? `${text} (${code})` : text);
    it = it.cause;
  }
  const distinct = parts.filter(
    (it, index) => !parts.slice(0, index).some((earlier) => earlier.includes(it)),
  );
  return oneLine(redact(distinct.join(": ")));
}

/** The text without line breaks and other control characters. */
export const oneLine = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (it) =>
    it === "\n" || it === "\r" || it === "\t" ? " " : `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not percent-encoded.
    return text;
  }
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const longerFirst = (a: string, b: string): number => b.length - a.length;

/** The stacks of an error and its causes, without secrets. Other fields that drivers add to errors are left out. */
export function redactedStack(error: unknown): string {
  const stacks: string[] = [];
  for (let it: unknown = error, depth = 0; it instanceof Error && depth < 5; it = it.cause, depth++)
    stacks.push(it.stack ?? String(it));
  return redact(stacks.length > 0 ? stacks.join("\ncaused by ") : String(error));
}
