/** This machine lacks something, and only its user can bring it: the message says in one sentence what to do. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}
