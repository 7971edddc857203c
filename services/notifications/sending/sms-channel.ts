/** SMS: the short text of a letter, to the telephone number of the order. */
import { isE164 } from "../sms/phone-number.ts";
import { type SmsPort, SmsRefused } from "../sms/sms.ts";
import { type Channel, Refused } from "./channel.ts";
import { shortText } from "./short-text.ts";

/** Two or three parts of a text message. The names of shops and orders are seldom that long. */
export const MAX_SMS = 300;

export function smsChannel(port: SmsPort): Channel {
  return {
    off: null,
    recognisesRepeats: false,
    addressOf: ({ phone }) => (phone !== null && isE164(phone) ? phone : null),
    async send({ state, addressee: { phone }, letter }) {
      try {
        return await port.send({
          to: phone ?? "",
          text: shortText(letter.short, MAX_SMS),
          since: new Date(state.createdAt),
          mayBeThere: state.attempts > 0,
        });
      } catch (error) {
        throw error instanceof SmsRefused ? new Refused(error.message, { cause: error }) : error;
      }
    },
  };
}
