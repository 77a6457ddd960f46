/** How many bytes a kind of thing may hold in this process, all together. It only counts; nobody waits for room. */
export interface ByteBudget {
  /** How many bytes are held now. */
  readonly heldBytes: () => number;
  /** A hold of nothing, to be filled. */
  open(): ByteHold;
}

/** What one holder has of a budget. */
export interface ByteHold {
  /** Takes so many bytes more. @returns false if there is no room for them; then nothing is taken. */
  take(bytes: number): boolean;
  /** How many bytes it has. */
  heldBytes(): number;
  /** Gives everything back. May be called again. */
  release(): void;
}

/** Holds up to here are small. */
const SMALL_BYTES = 1024 * 1024;

/**
 * A budget of so many bytes. Its last eighth is for small holds: a hundred texts take what one picture takes, and
 * shall not be refused because pictures have taken everything.
 */
export function createByteBudget(limitBytes: number): ByteBudget {
  const limitOfLargeBytes = Math.floor((limitBytes * 7) / 8);
  let heldBytes = 0;
  return {
    heldBytes: () => heldBytes,
    open() {
      let ownBytes = 0;
      return {
        take(bytes) {
          const limit = ownBytes + bytes > SMALL_BYTES ? limitOfLargeBytes : limitBytes;
          if (heldBytes + bytes > limit) return false;
          heldBytes += bytes;
          ownBytes += bytes;
          return true;
        },
        heldBytes: () => ownBytes,
        release() {
          heldBytes -= ownBytes;
          ownBytes = 0;
        },
      };
    },
  };
}
