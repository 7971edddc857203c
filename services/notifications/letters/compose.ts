/** Composes the letter of a notification from what is known about it. Pure. */
import type { Money } from "../../../broker/contract/schemas.ts";
import { minorDigits } from "../../../broker/contract/values/currency.ts";
import type { OrderView } from "../../orders/orders.contract.ts";
import type { About, NotificationKind } from "../notifications.schemas.ts";
import type { Block, Letter } from "./letter.ts";
import { languageOf } from "./texts/languages.ts";
import { fill, type Texts } from "./texts/texts.ts";

export interface Facts {
  readonly kind: NotificationKind;
  readonly about: About;
  /** Of the recipient, where it is known. */
  readonly name: string | null;
  readonly order: OrderView | null;
  /** The page that the letter leads to. */
  readonly url: string | null;
  readonly unsubscribeUrl: string | null;
}

export interface Shop {
  readonly name: string;
  readonly timeZone: string;
}

/** Kinds that show what was ordered. */
const WITH_LINES: readonly NotificationKind[] = [
  "order_placed",
  "order_paid",
  "order_rejected",
  "order_cancelled",
  "order_expired",
];
const WITH_ADDRESS: readonly NotificationKind[] = ["order_placed", "order_paid", "order_shipped"];

/** @param asked the language, a BCP 47 tag; English where there are no texts in it */
export function compose(facts: Facts, asked: string, shop: Shop): Letter {
  const { locale, texts } = languageOf(asked);
  const { kind, about, url } = facts;
  const words = texts.kinds[kind];
  const isolated = isolatedIn(texts);
  const values = {
    shop: isolated(shop.name),
    number: isolated(facts.order?.number ?? about.orderNumber ?? ""),
    sku: isolated(about.sku ?? ""),
    count: new Intl.NumberFormat(locale).format(about.count ?? 0),
    url: isolated(about.url ?? ""),
  };
  return {
    locale,
    direction: texts.direction,
    shop: shop.name,
    subject: fill(words.subject, values),
    title: fill(words.title, values),
    short: fill(words.short, values),
    url,
    blocks: [
      ...(facts.name === null ? [] : [textBlock(fill(texts.hello, { name: isolated(facts.name) }))]),
      ...fill(words.text, values).split("\n\n").map(textBlock),
      ...detailsOf(facts, texts, locale),
      ...orderBlocks(facts, texts, locale),
      ...(url !== null && words.button !== undefined
        ? [{ type: "button" as const, label: fill(words.button, values), url }]
        : []),
      ...(about.expiresAt === undefined || url === null
        ? []
        : [noteBlock(fill(texts.validUntil, { time: timeIn(locale, shop.timeZone, about.expiresAt) }))]),
      ...(words.note === undefined ? [] : [noteBlock(fill(words.note, values))]),
    ],
    footer: [
      fill(texts.footer, values),
      ...(facts.unsubscribeUrl === null ? [] : [fill(texts.unsubscribe, { url: facts.unsubscribeUrl })]),
    ].join("\n"),
  };
}

const textBlock = (text: string): Block => ({ type: "text", text });
const noteBlock = (text: string): Block => ({ type: "note", text });

function detailsOf({ about }: Facts, texts: Texts, locale: string): Block[] {
  const fact = (label: string, text: string | undefined): Block[] =>
    text === undefined ? [] : [{ type: "facts", label, lines: [text] }];
  return [
    ...fact(texts.tracking, about.tracking),
    ...fact(texts.reason, about.reason),
    ...fact(texts.refunded, about.amount && moneyIn(locale, about.amount)),
  ];
}

function orderBlocks({ kind, order }: Facts, texts: Texts, locale: string): Block[] {
  if (order === null) return [];
  const blocks: Block[] = [];
  if (WITH_LINES.includes(kind))
    blocks.push({
      type: "lines",
      rows: order.lines.map((it) => ({
        name: it.name,
        detail: [
          ...Object.values(it.options),
          fill(texts.times, { quantity: String(it.quantity), price: moneyIn(locale, it.unitPrice) }),
        ]
          .map(isolatedIn(texts))
          .join(" · "),
        total: moneyIn(locale, it.total),
      })),
      totalLabel: texts.total,
      sum: moneyIn(locale, order.total),
    });
  if (WITH_ADDRESS.includes(kind))
    blocks.push({ type: "facts", label: texts.shipTo, lines: addressLines(order.shippingAddress) });
  return blocks;
}

const addressLines = (it: OrderView["shippingAddress"]): string[] =>
  [
    it.name,
    it.line1,
    it.line2,
    [it.postalCode, it.city].filter((part) => part !== undefined).join(" "),
    it.region,
    it.country,
  ].filter((line) => line !== undefined);

export const moneyIn = (locale: string, { amount, currency }: Money): string => {
  const digits = minorDigits(currency);
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(amount / 10 ** digits);
};

const timeIn = (locale: string, timeZone: string, time: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "long", timeZone }).format(new Date(time));

/** Values of another direction must not turn the surrounding text around. */
const isolatedIn =
  ({ direction }: Texts) =>
  (text: string): string =>
    direction === "rtl" && text !== "" ? `\u2068${text}\u2069` : text;
