/**
 * The account of an order's customer is gone. What was agreed stays, with the address that it went to: the law asks for
 * it. Name and e-mail address of the account go, the words that find them, and what only a payment needed. Pure.
 */
import type { Decided } from "./decision.ts";
import { searchWords } from "./search-words.ts";
import { type Attempt, isOpen, type OrderState } from "./state.ts";

export function eraseCustomer(state: OrderState): Decided {
  if (state.erased) return { state };
  const { customer: _, ...kept } = state;
  return {
    state: {
      ...kept,
      erased: true,
      words: searchWords({ number: state.number, lines: state.lines }),
      attempts: state.attempts.map(withoutOptions),
    },
  };
}

/** Options may have a phone number. A payment that is not over needs them. */
function withoutOptions(it: Attempt): Attempt {
  if (it.status === "planned" || isOpen(it)) return it;
  const { options: _, ...choice } = it.choice;
  return { ...it, choice };
}
