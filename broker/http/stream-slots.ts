/** How many event streams there may be at once: in all, and for one user. */
import { SoukError } from "../errors.ts";

export class StreamSlots {
  readonly #total: number;
  readonly #perUser: number;
  readonly #byUser = new Map<string, number>();
  #open = 0;

  constructor(total = 1_000, perUser = 5) {
    this.#total = total;
    this.#perUser = perUser;
  }

  /**
   * @returns gives the slot back; once is enough, more often does no harm
   * @throws {SoukError} OVERLOADED, or RATE_LIMITED for a user with too many
   */
  take(userId: string): () => void {
    const mine = this.#byUser.get(userId) ?? 0;
    if (this.#open >= this.#total) throw new SoukError("OVERLOADED");
    if (mine >= this.#perUser)
      throw new SoukError("RATE_LIMITED", `At most ${this.#perUser} event streams at once.`, {
        retryAfter: 5,
      });
    this.#open++;
    this.#byUser.set(userId, mine + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#open--;
      const left = (this.#byUser.get(userId) ?? 1) - 1;
      if (left > 0) this.#byUser.set(userId, left);
      else this.#byUser.delete(userId);
    };
  }
}
