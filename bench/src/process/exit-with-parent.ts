/** Ends this forked process when the process that forked it is gone, however that ended. */
export function exitWithParent(): void {
  process.once("disconnect", () => process.exit());
}
