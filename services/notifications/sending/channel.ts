/** What each channel offers to the worker that sends: e-mail, SMS, web push. */
import type { Letter } from "../letters/letter.ts";
import type { NotificationState } from "../notification/state.ts";
import type { Addressee } from "./prepare.ts";

export interface Outgoing {
  readonly id: string;
  readonly state: NotificationState;
  readonly addressee: Addressee;
  readonly letter: Letter;
  readonly unsubscribeUrl: string | null;
}

export interface Channel {
  /** Why nothing is sent by it in this shop. */
  readonly off: string | null;
  /** Whether a repeated attempt is recognised by its id, so that nothing must be committed before it. */
  readonly recognisesRepeats: boolean;
  /** @returns the address of the addressee on this channel; null where there is none */
  addressOf(addressee: Addressee): string | null | Promise<string | null>;
  /**
   * @returns what the receiver said
   * @throws {Refused} where no repetition helps; anything else is tried again
   */
  send(outgoing: Outgoing): Promise<string>;
}

/** No repetition helps: the address is wrong, or its owner's server does not want it. */
export class Refused extends Error {
  override readonly name = "Refused";
}
