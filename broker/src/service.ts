/**
 * Something that runs until it is stopped.
 * `start` resolves when it is ready. `stop` may come before `start`, may come twice, and resolves after the last
 * write that the service makes.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}
