/**
 * Tells every node's instance of a service, this one too, that something has changed. Volatile: it gets lost while a node
 * is disconnected, so what depends on it needs a time limit as well. Whoever wants to hear of it subscribes to the
 * Moleculer event `<service>.notified`, in the service's group.
 */
import type { Service } from "moleculer";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";

export interface Notification {
  /** What has changed. */
  subject: string;
}

export interface NotifyParts {
  notify(subject: string): void;
}

/** The event that a service's notifications come as. */
export const notificationOf = (service: string): string => `${service}.notified`;

/** Puts `notify` on `this`. */
export function notify(): Mixin<NotifyParts> {
  return defineMixin<NotifyParts>({
    methods: {
      notify(this: Service, subject: string): void {
        const notification: Notification = { subject };
        void this.broker.broadcast(notificationOf(this.name), notification, [this.name]);
      },
    },
  });
}
