import { serveOracle } from "./oracle-server.js";

const [port, logFile = "", baseMs, rowMs] = process.argv.slice(2);

serveOracle({ port: Number(port), logFile, baseMs: Number(baseMs), rowMs: Number(rowMs) }).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
