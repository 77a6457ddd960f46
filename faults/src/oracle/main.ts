import { serveOracle } from "./oracle-server.js";

const [port, logFile = "", baseMs, rowMs, order] = process.argv.slice(2);

const times = { baseMs: Number(baseMs), rowMs: Number(rowMs), parallel: order === "parallel" };

serveOracle({ port: Number(port), logFile, ...times }).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
