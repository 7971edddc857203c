/** What of mjml is used here. Since its version 5 it answers asynchronously. */
declare module "mjml" {
  interface Compiled {
    readonly html: string;
    readonly errors: readonly { readonly formattedMessage: string }[];
  }
  export default function mjml2html(
    source: string,
    options: { validationLevel: "skip" | "soft" },
  ): Promise<Compiled>;
}
