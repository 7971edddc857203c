/**
 * Preloaded into a process that consumes from RabbitMQ. It kills itself with SIGKILL at its first ack, which is never
 * sent.
 */
import { Channel } from "amqplib/lib/channel_model.js";

Channel.prototype.ack = () => process.kill(process.pid, "SIGKILL");
