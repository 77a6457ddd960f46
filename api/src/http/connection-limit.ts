/**
 * Descriptors that connections of clients leave to the process itself: its connections to Redis (each master has a few),
 * files of large inputs, the log. A process that has none left cannot connect to Redis again, and would refuse everything
 * for as long as its clients keep their connections.
 */
const RESERVED = 256;

/** How many connections of clients a process takes that may open so many files. */
export function connectionLimit(openFiles: number): number {
  return Math.max(Math.ceil(openFiles / 2), openFiles - RESERVED);
}

/** More than any machine opens. */
const NO_LIMIT = 10_000_000;

/** How many files this process may open; 10,000,000 if there is no limit, or it is not known. */
export function openFilesLimit(): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = Number(report.userLimits?.open_files?.soft);
  return Number.isFinite(soft) ? soft : NO_LIMIT;
}
