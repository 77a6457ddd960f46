import { Redis, type RedisOptions } from "ioredis";

/** Asking the Sentinels takes a few milliseconds; by then the one who spoke has told all others. */
const AGAIN_AFTER_MS = 100;

/**
 * A connection that comes back until its owner ends it by `disconnect`. ioredis takes the announcement of a failover
 * for that if it comes while the Sentinels are being asked, which is when it usually comes: the master is gone, and
 * everybody asks for the next one.
 */
export class LastingRedis extends Redis {
  #ended = false;

  constructor(options: RedisOptions) {
    // What it is anyway with protocol 2; the types ask for it.
    super({ ...options, replyMapping: "legacy" });
    this.on("end", () => {
      setTimeout(() => {
        // It goes on trying by itself, and says so.
        if (!this.#ended) this.connect().catch(() => undefined);
      }, AGAIN_AFTER_MS).unref();
    });
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#ended = true;
    super.disconnect(reconnect);
  }
}
