/** A generated catalogue. Product number `n` is the same in every shop and every run, for any number of products. */
import { v7 } from "uuid";
import { minorDigits } from "../../../broker/contract/values/currency.ts";
import { API_BASE } from "../../../broker/http/api-route.ts";
import type { Category } from "../../../services/products/models/category.model.ts";
import type { Product, Variant } from "../../../services/products/models/product.model.ts";
import { normalizeText } from "../../../services/products/text/normalize-text.ts";
import { slugOf } from "../../../services/products/text/slug.ts";
import { nameKey } from "../../../services/products/text/sort-name.ts";

export interface DemoProduct
  extends Pick<Product, "_id" | "slug" | "name" | "description" | "categoryIds" | "images"> {
  variants: (Variant & { onHand: number })[];
  createdAt: Date;
}

interface Kind {
  category: string;
  parent: string;
  code: string;
  nouns: readonly string[];
  materials: readonly string[];
  uses: readonly string[];
  /** Range of prices in the currency's main unit, for a currency like the dollar. */
  price: readonly [number, number];
  options: Readonly<Record<string, readonly string[]>>;
}

const SIZES = { size: ["S", "M", "L", "XL"] };
const COLOURS = { colour: ["Black", "Sand", "Forest", "Rust", "Navy"] };

const KINDS: readonly Kind[] = [
  {
    category: "Furniture",
    parent: "Home",
    code: "FUR",
    nouns: ["Armchair", "Bookshelf", "Coffee Table", "Desk", "Dining Chair", "Sideboard", "Stool"],
    materials: ["Oak", "Walnut", "Ash", "Rattan", "Steel", "Birch"],
    uses: ["a small living room", "long evenings", "a study that is used every day"],
    price: [49, 899],
    options: { finish: ["Natural", "Oiled", "Smoked", "White"] },
  },
  {
    category: "Lighting",
    parent: "Home",
    code: "LIT",
    nouns: ["Desk Lamp", "Floor Lamp", "Pendant", "Table Lamp", "Wall Light", "Lantern"],
    materials: ["Brass", "Linen", "Glass", "Ceramic", "Paper", "Aluminium"],
    uses: ["reading", "a hallway", "warm light over a table"],
    price: [19, 349],
    options: COLOURS,
  },
  {
    category: "Kitchen",
    parent: "Home",
    code: "KIT",
    nouns: ["Frying Pan", "Teapot", "Mixing Bowl", "Chopping Board", "Chef's Knife", "Carafe", "Mug"],
    materials: ["Cast Iron", "Enamel", "Stoneware", "Copper", "Beech", "Stainless"],
    uses: ["everyday cooking", "the oven and the table", "a slow Sunday breakfast"],
    price: [9, 189],
    options: { size: ["Small", "Medium", "Large"] },
  },
  {
    category: "Tops",
    parent: "Clothing",
    code: "TOP",
    nouns: ["T-Shirt", "Shirt", "Sweatshirt", "Cardigan", "Polo", "Tank Top"],
    materials: ["Linen", "Cotton", "Merino", "Flannel", "Hemp", "Jersey"],
    uses: ["warm days", "layering", "work and after it"],
    price: [15, 120],
    options: SIZES,
  },
  {
    category: "Shoes",
    parent: "Clothing",
    code: "SHO",
    nouns: ["Sneaker", "Boot", "Loafer", "Sandal", "Trail Shoe"],
    materials: ["Leather", "Canvas", "Suede", "Wool", "Knit"],
    uses: ["the city", "wet paths", "standing all day"],
    price: [39, 260],
    options: { size: ["38", "40", "42", "44"] },
  },
  {
    category: "Bags",
    parent: "Clothing",
    code: "BAG",
    nouns: ["Backpack", "Tote", "Messenger Bag", "Weekender", "Pouch"],
    materials: ["Waxed Canvas", "Leather", "Nylon", "Recycled", "Felt"],
    uses: ["a laptop and a lunch", "two nights away", "the market"],
    price: [19, 320],
    options: COLOURS,
  },
  {
    category: "Audio",
    parent: "Electronics",
    code: "AUD",
    nouns: ["Headphones", "Earbuds", "Speaker", "Turntable", "Radio", "Microphone"],
    materials: ["Wireless", "Studio", "Portable", "Compact", "Noise-Cancelling"],
    uses: ["the train", "a quiet room", "records and podcasts"],
    price: [25, 599],
    options: { colour: ["Black", "Silver", "Cream"] },
  },
  {
    category: "Computing",
    parent: "Electronics",
    code: "COM",
    nouns: ["Keyboard", "Mouse", "Monitor Stand", "USB Hub", "Webcam", "Laptop Sleeve"],
    materials: ["Mechanical", "Ergonomic", "Slim", "Bamboo", "Aluminium"],
    uses: ["a desk at home", "long days of typing", "travel"],
    price: [12, 279],
    options: { colour: ["Graphite", "Silver", "White"] },
  },
  {
    category: "Camping",
    parent: "Outdoors",
    code: "CAM",
    nouns: ["Tent", "Sleeping Bag", "Stove", "Headlamp", "Camp Chair", "Water Bottle"],
    materials: ["Ultralight", "Four-Season", "Titanium", "Insulated", "Packable"],
    uses: ["a first trip", "cold nights", "weeks on foot"],
    price: [14, 649],
    options: COLOURS,
  },
  {
    category: "Cycling",
    parent: "Outdoors",
    code: "CYC",
    nouns: ["Helmet", "Pannier", "Bike Light", "Gloves", "Floor Pump", "Saddle"],
    materials: ["Reflective", "Waterproof", "Carbon", "Leather", "Touring"],
    uses: ["the way to work", "gravel", "rain and night"],
    price: [12, 219],
    options: SIZES,
  },
];

const CHARACTERS = [
  "Classic",
  "Everyday",
  "Nordic",
  "Heritage",
  "Modern",
  "Field",
  "Harbour",
  "Atlas",
  "Juniper",
  "Lumen",
  "Meridian",
  "Quarry",
];
const QUALITIES = [
  "Made to be repaired rather than replaced.",
  "Finished by hand in small batches.",
  "Simple to clean and slow to wear.",
  "Comes in packaging without plastic.",
  "Tested for years before it came to the shop.",
];

const EPOCH = Date.UTC(2025, 0, 1);
const MINUTE_MS = 60_000;

/** Parents come before their children. */
export function demoCategories(): Category[] {
  const made = new Map<string, Category>();
  const add = (name: string, parent: Category | null) => {
    if (made.has(name)) return;
    const _id = idOf(EPOCH - MINUTE_MS * (1_000 - made.size), random(`category ${name}`));
    made.set(name, {
      _id,
      name,
      slug: slugOf(name, "category"),
      parentId: parent?._id ?? null,
      path: [...(parent?.path ?? []), _id],
      byName: nameKey(name, _id),
      version: 1,
      uses: 0,
      claims: {},
    });
  };
  for (const { parent } of KINDS) add(parent, null);
  for (const { category, parent } of KINDS) add(category, made.get(parent) ?? null);
  return [...made.values()];
}

/**
 * Product number `n`, counted from 0. A higher number is newer.
 * @param categoryIds ids of {@link demoCategories} by name
 */
export function demoProduct(
  n: number,
  currency: string,
  categoryIds: ReadonlyMap<string, string>,
): DemoProduct {
  const next = random(`product ${n}`);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
  const kind = KINDS[n % KINDS.length] as Kind;
  const [character, material, noun] = [pick(CHARACTERS), pick(kind.materials), pick(kind.nouns)];
  const name = `${character} ${material} ${noun}`;
  const number = String(n + 1).padStart(6, "0");
  const base = kind.price[0] + (kind.price[1] - kind.price[0]) * next() ** 2;
  const slug = `${slugOf(name, "product")}-${n + 1}`;
  const [option = "", values = []] = Object.entries(kind.options)[0] ?? [];
  const from = Math.floor(next() * values.length);
  const chosen = values.slice(from, from + 1 + Math.floor(next() * 4));
  const category = categoryIds.get(kind.category);
  return {
    _id: idOf(EPOCH + n * MINUTE_MS, next),
    slug,
    name,
    description: `${/^[AEIOU]/.test(character) ? "An" : "A"} ${character.toLowerCase()} ${noun.toLowerCase()} in ${material.toLowerCase()}, for ${pick(kind.uses)}. ${pick(QUALITIES)}`,
    categoryIds: category ? [category] : [],
    // The shop draws them when they are asked for, see services/products/pictures/.
    images: [1, 2].map((view) => `${API_BASE}/demo-pictures/${slug}-${view}.svg`),
    variants: chosen.map((value, at) => ({
      sku: `${kind.code}-${number}-${normalizeText(value)
        .replace(/[^a-z0-9]/g, "")
        .toUpperCase()}`,
      price: { amount: priceOf(base * (1 + at * 0.08), currency), currency },
      options: { [option]: value },
      // One in twenty is sold out.
      onHand: next() < 0.05 ? 0 : 50 + Math.floor(next() * 450),
    })),
    createdAt: new Date(EPOCH + n * MINUTE_MS),
  };
}

/** A usual price, ending in 9, in minor units of the currency. */
export function priceOf(main: number, currency: string): number {
  const scale = 10 ** minorDigits(currency);
  // In a currency without minor units, the main unit is worth about a cent.
  if (scale === 1) return Math.max(1, Math.round(main * 10)) * 10 - 1;
  return Math.max(1, Math.round(main)) * scale - scale / 100;
}

/** Numbers in [0, 1), the same for the same text (xmur3 and mulberry32). */
function random(text: string): () => number {
  let state = 1779033703 ^ text.length;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 3432918353);
    state = (state << 13) | (state >>> 19);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A UUIDv7 with that time, whose random part comes from `next`. */
const idOf = (msecs: number, next: () => number): string =>
  v7({
    msecs,
    seq: Math.floor(next() * 2 ** 31),
    random: Uint8Array.from({ length: 16 }, () => next() * 256),
  });
