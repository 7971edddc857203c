/**
 * Tells all instances of a service, also this one, that something has changed. A notification is lost while a node is
 * disconnected. So whatever depends on it also needs a time limit. A receiver subscribes to the Moleculer event
 * `<service>.notified`, in the service's group.
 */
import type { Context, Service, ServiceSchema } from "moleculer";
import { defineMixin, type Mixin } from "../broker/moleculer/mixin.ts";

export interface Notification {
  /** What has changed. */
  subject: string;
}

export interface NotifyParts {
  notify(subject: string): void;
}

/** Puts `notify` on `this`. */
export function notify(): Mixin<NotifyParts> {
  return defineMixin<NotifyParts>({
    methods: {
      notify(subject: string): void {
        broadcastNotification(this, subject);
      },
    },
  });
}

/** The event name of a service's notifications. */
export const notificationOf = (service: string): string => `${service}.notified`;

export function broadcastNotification({ broker, name }: Service, subject: string): void {
  const notification: Notification = { subject };
  void broker.broadcast(notificationOf(name), notification, [name]);
}

/** The `merged` hook of a mixin that listens to its service's own notifications. */
export function onNotified<T extends object>(listen: (service: Service & T, subject: string) => void) {
  return function merged(this: Service, schema: Partial<ServiceSchema>): void {
    const handler = function notified(this: Service & T, { params }: Context<Notification>) {
      listen(this, params.subject);
    };
    const event = notificationOf(schema.name ?? "");
    schema.events = this.mergeSchemaEvents({ [event]: { handler } }, schema.events ?? {});
  };
}
