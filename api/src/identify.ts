import type { IncomingMessage } from "node:http";

/** Who makes a request: a task belongs to its owner, and nobody else can see it. */
export type Identify = (request: IncomingMessage) => string;

/** Identity is off: every request comes from the same caller. */
export const identifyNobody: Identify = () => "anonymous";
