/** The port for SMS. Adapter: twilio.ts. */

export interface Sms {
  /** In E.164. */
  readonly to: string;
  readonly text: string;
  /** When the notification was made. Nothing with this text can have been sent before. */
  readonly since: Date;
  /** Whether an earlier attempt may have arrived. Then the provider is asked first. */
  readonly mayBeThere: boolean;
}

export interface SmsPort {
  /**
   * @returns what the provider said
   * @throws {SmsRefused} where no repetition helps; anything else may be tried again
   */
  send(sms: Sms): Promise<string>;
}

/** The number can't be reached, or its owner does not want it. */
export class SmsRefused extends Error {
  override readonly name = "SmsRefused";
}
