/** A letter: what a notification says, before it gets a form. All texts are plain. */

export type Block =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "lines";
      readonly rows: readonly Row[];
      readonly totalLabel: string;
      readonly sum: string;
    }
  | { readonly type: "facts"; readonly label: string; readonly lines: readonly string[] }
  | { readonly type: "button"; readonly label: string; readonly url: string }
  | { readonly type: "note"; readonly text: string };

export interface Row {
  readonly name: string;
  readonly detail: string;
  readonly total: string;
}

export interface Letter {
  /** BCP 47. */
  readonly locale: string;
  readonly direction: "ltr" | "rtl";
  readonly shop: string;
  readonly subject: string;
  readonly title: string;
  /** For channels with room for one or two sentences, and for the preview in lists of e-mails. */
  readonly short: string;
  readonly blocks: readonly Block[];
  readonly footer: string;
  /** The page that the letter leads to. */
  readonly url: string | null;
}
