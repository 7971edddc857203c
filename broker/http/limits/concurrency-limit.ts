/** A bounded number of something, in total, per caller and per address. */
import { SoukError } from "../../contract/errors.ts";

export interface ConcurrencyLimits {
  total: number;
  perCaller: number;
  /** Many callers may share one address: a network, or one machine that pretends to be many. */
  perAddress: number;
}

/** Who occupies a share. */
export interface Holder {
  /** Undefined where only the address counts. */
  caller: string | undefined;
  address: string;
}

export class ConcurrencyLimit {
  readonly #what: string;
  readonly #limits: ConcurrencyLimits;
  readonly #callers = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #taken = 0;

  /** @param what the noun in the error for a caller with too many: "requests" */
  constructor(what: string, limits: ConcurrencyLimits) {
    this.#what = what;
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws {SoukError} what {@link take} would throw now; takes nothing */
  check({ caller, address }: Holder): void {
    const { total, perCaller, perAddress } = this.#limits;
    // A caller with too many gets this error first, also when there are too many in total. A quick retry would not
    // help.
    if (caller !== undefined && (this.#callers.get(caller) ?? 0) >= perCaller) throw this.#tooMany(perCaller);
    if ((this.#addresses.get(address) ?? 0) >= perAddress) throw this.#tooMany(perAddress);
    if (this.#taken >= total) throw new SoukError("OVERLOADED");
  }

  /**
   * @returns a function that gives it back; repeated calls have no effect
   * @throws {SoukError} RATE_LIMITED for a caller or an address with too many; OVERLOADED when there are too many in
   * total
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

/** Removes keys with count zero, so that the maps are no larger than what is occupied. */
function add(counts: Map<string, number>, key: string, n: number): void {
  const count = (counts.get(key) ?? 0) + n;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
