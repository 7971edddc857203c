/** Whether a simulated node runs, is frozen, or has crashed. All its effects pass through here. */
export class Life {
  #dead = false;
  #frozen: (() => void)[] | undefined;

  get isDead(): boolean {
    return this.#dead;
  }

  /** Resolves when the node runs. Never resolves after a crash. */
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
