import { expect, test } from "vitest";
import { BrokerError, wasNotCarriedOut } from "../src/index.js";

test("only an error reply and a command that was never sent certainly changed nothing", () => {
  const reply = Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });
  const unsent = new Error("Stream isn't writeable and enableOfflineQueue options is false");
  for (const error of [reply, unsent, new BrokerError("storage-unavailable", "x", { cause: reply })]) {
    expect(wasNotCarriedOut(error)).toBe(true);
  }
  for (const error of [new Error("Connection is closed."), new Error("Command timed out"), undefined, "OOM"]) {
    expect(wasNotCarriedOut(error)).toBe(false);
  }
});
