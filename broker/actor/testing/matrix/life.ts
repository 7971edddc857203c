/** Whether a simulated node runs, is frozen or is dead. Whatever it does to the world passes here first. */
export class Life {
  #dead = false;
  #frozen: (() => void)[] | undefined;

  get isDead(): boolean {
    return this.#dead;
  }

  /** Resolves when the node runs; never when it is dead. */
  async awake(): Promise<void> {
    if (this.#frozen) await new Promise<void>((resolve) => this.#frozen?.push(resolve));
    if (this.#dead) await new Promise<never>(() => undefined);
  }

  kill(): void {
    this.#dead = true;
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const resolve of waiting) resolve();
  }
}
