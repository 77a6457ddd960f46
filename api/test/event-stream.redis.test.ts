import { createTaskId, keys, parseTaskId } from "@sluice/broker";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { EventSource } from "undici";
import { describe, expect, test } from "vitest";
import { formatEvent, openEventStream, wantsEvents } from "../src/http/event-stream.js";
import { until, useApi } from "./api-fixture.js";
import { echoOf, settle } from "./fake-worker.js";

const fixture = useApi();
const submitted = async (text: string) => String((await fixture.submit(text)).body["task_id"]);
const events = { accept: "text/event-stream" };

interface Heard {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** Reads a stream to its end. `heard` grows as events come. */
function listen(taskId: string, headers: Record<string, string> = {}, query = "") {
  const heard: Heard[] = [];
  const gone = new AbortController();
  const ended = (async () => {
    const url = `${fixture.api.url}/v1/result/${taskId}${query}`;
    const answer = await fetch(url, { headers: { ...events, ...headers }, signal: gone.signal });
    let text = "";
    if (answer.status === 204) return answer;
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = /^event: (\w+)\nid: ([\w-]+)\ndata: (.*)$/.exec(text.slice(0, end));
        const [, name = "", id = "", data = ""] = event ?? [];
        if (event) heard.push({ event: name, id, data: JSON.parse(data) as Record<string, unknown> });
        text = text.slice(end + 2);
      }
    }
    return answer;
  })();
  return { heard, ended, leave: () => gone.abort() };
}

/** A worker takes the run. */
async function claim(taskId: string): Promise<void> {
  const { shard = 0 } = parseTaskId(taskId) ?? {};
  await fixture.redis.hset(keys.run(shard, taskId), "lease", Date.now() + 60_000, "worker", "w");
}

describe("GET /v1/result/{task_id} with Accept: text/event-stream", () => {
  test("tells each stage once, then the result, and ends", async () => {
    const taskId = await submitted("a");
    const { heard, ended } = listen(taskId);
    await until(() => heard.length === 1);
    await claim(taskId);
    await until(() => heard.length === 2);
    await settle(fixture.redis, taskId, echoOf("A"));
    const answer = await ended;
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    });
    expect(heard.map(({ event, id, data }) => [event, id, data["status"], data["stage"]])).toEqual([
      ["status", "queued", "PENDING", "queued"],
      ["status", "running", "PENDING", "running"],
      ["done", "SUCCESS", "SUCCESS", undefined],
    ]);
    const { body } = await fixture.ask(`/v1/result/${taskId}`);
    expect(heard[2]?.data).toEqual(body);
  });

  test("of a task that has ended tells the result alone, with the options of its query", async () => {
    const taskId = await submitted("b");
    await fixture.ask(`/v1/tasks/${taskId}/cancel`, { method: "POST" });
    const { heard, ended } = listen(taskId, {}, "?top_k=1");
    await ended;
    expect(heard).toEqual([{ event: "done", id: "CANCELED", data: { task_id: taskId, status: "CANCELED" } }]);
  });

  test("goes on where the client was: no stage twice, and 204 for who has all", async () => {
    const taskId = await submitted("c");
    const again = listen(taskId, { "last-event-id": "queued" });
    await until(() => fixture.api.waitCount() === 1);
    await settle(fixture.redis, taskId, echoOf("C"));
    await again.ended;
    expect(again.heard.map(({ id }) => id)).toEqual(["SUCCESS"]);
    const over = listen(taskId, { "last-event-id": "SUCCESS" });
    expect((await over.ended).status).toBe(204);
    expect(over.heard).toEqual([]);
  });

  test("an EventSource that is cut off connects again and hears the end", async () => {
    const taskId = await submitted("d");
    const source = new EventSource(`${fixture.api.url}/v1/result/${taskId}`);
    const heard: string[] = [];
    const hear = (event: Event) => void heard.push((event as MessageEvent).lastEventId);
    source.addEventListener("status", hear);
    source.addEventListener("done", hear);
    await until(() => heard.length === 1);
    const { port } = new URL(fixture.api.url);
    await fixture.api.stop();
    fixture.api = await fixture.startApi({ port: Number(port) });
    await until(() => fixture.api.waitCount() === 1, 10_000);
    await settle(fixture.redis, taskId, echoOf("D"));
    await until(() => heard.length === 2);
    source.close();
    expect(heard).toEqual(["queued", "SUCCESS"]);
  });

  test("a refusal before the first event is a problem as ever", async () => {
    for (const [taskId, status] of [
      ["x", 404],
      [createTaskId(3, Date.now()), 404],
      [createTaskId(3, Date.now() - 1e9), 410],
    ] as const) {
      const answer = await fixture.ask(`/v1/result/${taskId}`, { headers: events });
      expect(answer.status).toBe(status);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
    }
    expect((await fixture.ask("/v1/result/x?wait=-1", { headers: events })).status).toBe(404);
    const taskId = await submitted("e");
    expect((await fixture.ask(`/v1/result/${taskId}?top_k=0`, { headers: events })).status).toBe(422);
  });

  test("a task that is forgotten meanwhile ends it with an error", async () => {
    const taskId = await submitted("f");
    const { heard, ended } = listen(taskId);
    await until(() => heard.length === 1);
    const { shard = 0 } = parseTaskId(taskId) ?? {};
    await fixture.redis.del(keys.run(shard, taskId));
    await ended;
    expect(heard[1]).toMatchObject({
      event: "error",
      id: "result-expired",
      data: { status: 410, code: "result-expired" },
    });
  });

  test("ends when the process drains, and is no wait any more when the client leaves", async () => {
    const taskId = await submitted("g");
    const leaver = listen(taskId);
    const stayer = listen(taskId);
    await until(() => fixture.api.waitCount() === 2 && leaver.heard.length === 1);
    leaver.leave();
    await expect(leaver.ended).rejects.toThrow();
    await until(() => fixture.api.waitCount() === 1);
    await fixture.api.stop();
    expect((await stayer.ended).status).toBe(200);
    expect(stayer.heard.map(({ id }) => id)).toEqual(["queued"]);
    expect(fixture.api.waitCount()).toBe(0);
  });

  test("500 listeners of one task hear its end", async () => {
    const taskId = await submitted("h");
    const listeners = Array.from({ length: 500 }, () => listen(taskId));
    await until(() => fixture.api.waitCount() === 500);
    await settle(fixture.redis, taskId, echoOf("H"));
    await Promise.all(listeners.map(({ ended }) => ended));
    expect(listeners.every(({ heard }) => heard.at(-1)?.id === "SUCCESS")).toBe(true);
    expect(fixture.api.waitCount()).toBe(0);
  });
});

describe("the stream", () => {
  test("comes only to who asks for it by name", () => {
    const asked = ["text/event-stream", "application/json, TEXT/EVENT-STREAM;q=0.5"];
    const not = [undefined, "*/*", "text/*", "text/event-stream;q=0", "application/json"];
    expect(asked.map(wantsEvents)).toEqual([true, true]);
    expect(not.map(wantsEvents)).toEqual(not.map(() => false));
  });

  test("beats while nothing happens, and cuts off who does not read", async () => {
    const server = createServer((_request, outgoing) => {
      const stream = openEventStream(outgoing, 20);
      if (outgoing.req.url === "/flood") stream.send({ event: "done", id: "x", data: "y".repeat(32 * 1024 * 1024) });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const deaf = connect(port, "127.0.0.1").pause();
    deaf.write("GET /flood HTTP/1.1\r\nhost: x\r\n\r\n");
    const reader = connect(port, "127.0.0.1");
    let text = "";
    reader.on("data", (chunk) => (text += chunk.toString()));
    reader.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(() => text.split(":\n\n").length > 3);
    const count = () => new Promise<number>((resolve) => server.getConnections((_error, open) => resolve(open)));
    await until(async () => (await count()) === 1);
    reader.destroy();
    deaf.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test("is written as the standard says", () => {
    expect(formatEvent({ event: "done", id: "SUCCESS", data: "{}" })).toBe("event: done\nid: SUCCESS\ndata: {}\n\n");
  });
});
