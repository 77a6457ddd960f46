/**
 * What a TCP link does to its connections, old and new, for as long as a fault lasts.
 * - `refuse`: nobody listens, and what was open is reset.
 * - `reset`: every connection is reset, once; new ones are served.
 * - `black-hole`: nothing passes in either direction, and nobody is told. What was sent meanwhile arrives afterwards.
 * - `forget`: a black hole for ever: what was open, or opened meanwhile, stays silent afterwards too, without an end;
 *   new connections are served. So do gateways that have lost their tables.
 * - `half-open`: the server's side is gone, the client is not told; afterwards its next byte is answered with a reset.
 * - `delay`: every piece arrives later.
 * - `cut-after`: a connection is reset once so many bytes of replies have passed.
 * - `cut-reply`: requests pass, and the first byte that comes back resets the connection: carried out, never answered.
 *   With `after`, only once such bytes were among the requests; `cut` is told of each.
 */
export type LinkFault =
  | { readonly kind: "refuse" }
  | { readonly kind: "reset" }
  | { readonly kind: "black-hole" }
  | { readonly kind: "forget" }
  | { readonly kind: "half-open" }
  | { readonly kind: "delay"; readonly delayMs: number }
  | { readonly kind: "cut-after"; readonly bytes: number }
  | { readonly kind: "cut-reply"; readonly after?: string; readonly cut?: () => void };

/** All kinds, for schedules. */
export const LINK_FAULT_KINDS = [
  "refuse",
  "reset",
  "black-hole",
  "half-open",
  "delay",
  "cut-after",
  "cut-reply",
] as const satisfies readonly LinkFault["kind"][];
