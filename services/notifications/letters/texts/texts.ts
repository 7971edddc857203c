/** What letters say in one language. `{name}` stands for a value; each language has the same ones. */
import type { NotificationKind } from "../../notifications.schemas.ts";

export interface KindTexts {
  readonly subject: string;
  readonly title: string;
  /** Paragraphs are separated by an empty line. */
  readonly text: string;
  /** For a telephone: one or two sentences. */
  readonly short: string;
  /** Of the button, where there is a page to open. */
  readonly button?: string;
  readonly note?: string;
}

export interface Texts {
  readonly direction: "ltr" | "rtl";
  readonly kinds: Readonly<Record<NotificationKind, KindTexts>>;
  readonly hello: string;
  readonly total: string;
  readonly times: string;
  readonly shipTo: string;
  readonly tracking: string;
  readonly reason: string;
  readonly refunded: string;
  readonly validUntil: string;
  readonly footer: string;
  readonly unsubscribe: string;
}

/** Puts values for `{names}`. Values are not looked through again. */
export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{([a-z]+)\}/gi, (all, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? "") : all,
  );
