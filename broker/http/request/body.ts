/** Reads request bodies: bounded, of a known type, well-formed, and without keys that reach prototypes. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { SoukError } from "../../contract/errors.ts";
import { ClientGoneError, invalid } from "../problem.ts";

export const BODY_LIMIT = 100_000;
export const RAW_BODY_LIMIT = 1_000_000;
/** A body that is too large is read up to this size, so that the client can see our answer. */
const DRAIN_LIMIT = 4_000_000;
const MAX_DEPTH = 32;
const MAX_SHOWN_NAME = 200;
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/** Whether the request has a body, even an empty one. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

export interface BodyBounds {
  /** Bytes. */
  limit: number;
  /** Minimum rate in bytes per second, counted from the beginning, after {@link GRACE_MS}. */
  minRate: number;
}

/** A slow start does not make a body slow. */
export const GRACE_MS = 5_000;
const LOOK_MS = 500;

/**
 * The body's bytes.
 * @throws {SoukError} BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE for compressed ones, SLOW_REQUEST
 * @throws {ClientGoneError} when the upload is aborted
 */
export async function readBytes(
  req: IncomingMessage,
  res: ServerResponse,
  { limit, minRate }: BodyBounds,
): Promise<Buffer> {
  checkEncoding(req);
  checkLength(req, res, limit);
  if (req.headers.expect !== undefined) res.writeContinue();
  const chunks: Buffer[] = [];
  let size = 0;
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearInterval(look);
      req.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      settle();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) finish(() => reject(tooLarge(res, limit, Number.POSITIVE_INFINITY)));
      else chunks.push(chunk);
    };
    const onEnd = () =>
      finish(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const onGone = () => finish(() => reject(new ClientGoneError("the upload was aborted")));
    const look = setInterval(() => {
      const ms = performance.now() - begun;
      if (ms >= GRACE_MS && size < (minRate * ms) / 1_000) finish(() => reject(tooSlow(res, minRate)));
    }, LOOK_MS);
    req.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

/** @throws {SoukError} UNSUPPORTED_MEDIA_TYPE for a compressed body */
export function checkEncoding({ headers }: IncomingMessage): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new SoukError("UNSUPPORTED_MEDIA_TYPE", "Compressed bodies are not accepted.");
}

/** @throws {SoukError} BODY_TOO_LARGE for one that says so itself */
export function checkLength({ headers }: IncomingMessage, res: ServerResponse, limit: number): void {
  const declared = Number(headers["content-length"] ?? 0);
  if (declared > limit) throw tooLarge(res, limit, declared);
}

export function tooSlow(res: ServerResponse, minRate: number): SoukError {
  res.setHeader("Connection", "close");
  return new SoukError("SLOW_REQUEST", `The body must arrive at ${minRate} bytes per second or faster.`);
}

function tooLarge(res: ServerResponse, limit: number, size: number): SoukError {
  if (size > DRAIN_LIMIT) res.setHeader("Connection", "close");
  return new SoukError("BODY_TOO_LARGE", `The body may have at most ${limit} bytes.`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * A JSON object from a body.
 * @throws {SoukError} MALFORMED_BODY; VALIDATION_FAILED where it is no object, or has a forbidden or repeated key
 */
export function parseJson(bytes: Buffer): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the body. Its position and reason add nothing that a client's own parser can't
    // report.
    throw new SoukError("MALFORMED_BODY", "The body is not valid JSON in UTF-8.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("body", "must be a JSON object");
  const names: string[] = [];
  checkTree(value, "", 0, names);
  checkOnce(text, names);
  return value as Record<string, unknown>;
}

/**
 * Refuses three things: keys that would reach a prototype when copied, nesting that would exhaust a stack, and lone
 * surrogates. JSON can encode those, but UTF-8 can't, so no store would return them.
 * @param names gets the names of all members
 */
function checkTree(value: object, path: string, depth: number, names: string[]): void {
  if (depth > MAX_DEPTH)
    throw new SoukError("MALFORMED_BODY", `The body is nested deeper than ${MAX_DEPTH} levels.`);
  const isArray = Array.isArray(value);
  for (const key of Object.keys(value)) {
    if (FORBIDDEN.has(key)) throw invalid(shown(path + key), "is not a permitted name");
    if (!isArray) names.push(key);
    const inner = (value as Record<string, unknown>)[key];
    if (!key.isWellFormed() || (typeof inner === "string" && !inner.isWellFormed()))
      throw invalid(shown(path + key), "must be well-formed Unicode, without halves of surrogate pairs");
    if (typeof inner === "object" && inner !== null) checkTree(inner, `${path}${key}.`, depth + 1, names);
  }
}

/**
 * Refuses an object with a repeated name. Parsers differ in which of the two they use (RFC 8259, 4). So a filter in
 * front of the shop might see another value than the shop.
 * @param names of all members as parsed
 */
function checkOnce(text: string, names: readonly string[]): void {
  const written = memberNames(text);
  if (written.length === names.length) return;
  const left = new Map<string, number>();
  for (const name of names) left.set(name, (left.get(name) ?? 0) + 1);
  for (const member of written) {
    const name: string = JSON.parse(member);
    const times = left.get(name) ?? 0;
    if (times === 0) throw invalid(shown(name), "is given twice");
    left.set(name, times - 1);
  }
}

const shown = (name: string): string => name.slice(0, MAX_SHOWN_NAME).toWellFormed();

/**
 * The names of all members as written: in valid JSON, the strings before a colon. Each character is visited once. A
 * regular expression would backtrack over blanks.
 */
function memberNames(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf('"'); at >= 0; ) {
    const end = endOfString(text, at);
    let next = end;
    while (isBlank(text.charCodeAt(next))) next++;
    if (text[next] === ":") found.push(text.slice(at, end));
    at = text.indexOf('"', next);
  }
  return found;
}

/** @param at position of its quotation mark */
function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

/** JSON's white space. NaN, behind the end, is none. */
const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** @throws {SoukError} VALIDATION_FAILED for a name that would reach a prototype */
export function checkName(name: string): void {
  if (FORBIDDEN.has(name)) throw invalid(name, "is not a permitted name");
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** @throws {SoukError} UNSUPPORTED_MEDIA_TYPE for anything but JSON, and forms where `form` permits them */
export function bodyKind(contentType: string | undefined, form: boolean): "json" | "form" {
  if (contentType !== undefined && JSON_TYPE.test(contentType)) return "json";
  if (form && contentType !== undefined && FORM_TYPE.test(contentType)) return "form";
  throw new SoukError("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json in UTF-8.");
}
