/** Something of which there is a bounded number at once: in all, for one caller, and for one address. */
import { SoukError } from "../../contract/errors.ts";

export interface ShareLimits {
  total: number;
  perCaller: number;
  /** Many callers may come from one address: what a network shares, and what one machine can pretend. */
  perAddress: number;
}

/** Whose it is. */
export interface Holder {
  /** Undefined where only the address counts. */
  caller: string | undefined;
  address: string;
}

export class Shares {
  readonly #what: string;
  readonly #limits: ShareLimits;
  readonly #callers = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #taken = 0;

  /** @param what the sentence to a caller who has too many names: "requests" */
  constructor(what: string, limits: ShareLimits) {
    this.#what = what;
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws {SoukError} what {@link take} would throw now; takes nothing */
  check({ caller, address }: Holder): void {
    const { total, perCaller, perAddress } = this.#limits;
    // Who has too many is told so even when there are too many in all: to come again at once would not help.
    if (caller !== undefined && (this.#callers.get(caller) ?? 0) >= perCaller) throw this.#tooMany(perCaller);
    if ((this.#addresses.get(address) ?? 0) >= perAddress) throw this.#tooMany(perAddress);
    if (this.#taken >= total) throw new SoukError("OVERLOADED");
  }

  /**
   * @returns gives it back; once is enough, more often does no harm
   * @throws {SoukError} RATE_LIMITED for a caller or an address with too many; OVERLOADED when there are too many in all
   */
  take(holder: Holder): () => void {
    this.check(holder);
    const { caller, address } = holder;
    this.#taken++;
    add(this.#addresses, address, 1);
    if (caller !== undefined) add(this.#callers, caller, 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken--;
      add(this.#addresses, address, -1);
      if (caller !== undefined) add(this.#callers, caller, -1);
    };
  }

  #tooMany(most: number): SoukError {
    const detail = `At most ${most} ${this.#what} at once from one caller.`;
    return new SoukError("RATE_LIMITED", detail, { retryAfter: 1 });
  }
}

/** A key whose count is zero is forgotten, so that the maps are no larger than what is taken. */
function add(counts: Map<string, number>, key: string, n: number): void {
  const count = (counts.get(key) ?? 0) + n;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
