import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv4, isIPv6 } from "node:net";

/** What a name has: addresses, `CNAME=NAME` before the addresses of that name, `NXDOMAIN`, or `SILENCE`. */
export type Zone = (name: string) => readonly string[];

const A = 1;
const CNAME = 5;
const AAAA = 28;

/** A DNS server (RFC 1035) that knows what the test says. Nothing that it says may be kept: its TTLs are 0. */
export async function startDnsServer(zone: Zone) {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, from) => {
    const end = query.indexOf(0, 12);
    const name = readName(query.subarray(12, end));
    const type = query.readUInt16BE(end + 1);
    asked.push(`${type === A ? "A" : "AAAA"} ${name}`);
    const values = zone(name);
    if (!values.includes("SILENCE"))
      socket.send(toReply(query.subarray(0, end + 5), type, values), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    stop: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

function toReply(query: Buffer, type: number, values: readonly string[]): Buffer {
  const records = values.flatMap((value) => toRecord(value, type));
  const reply = Buffer.concat([query, ...records]);
  // A reply, with recursion; 3 is NXDOMAIN.
  reply.writeUInt16BE(0x8180 + (values.includes("NXDOMAIN") ? 3 : 0), 2);
  reply.writeUInt16BE(records.length, 6);
  reply.writeUInt16BE(0, 10);
  return reply;
}

/** All records are of the name that was asked for, but for those behind a CNAME, whose owner nobody checks. */
function toRecord(value: string, wanted: number): Buffer[] {
  if (value.startsWith("CNAME=")) return [record(CNAME, writeName(value.slice(6)))];
  if (isIPv4(value) && wanted === A) return [record(A, Buffer.from(value.split(".").map(Number)))];
  if (isIPv6(value) && wanted === AAAA) return [record(AAAA, writeIpv6(value))];
  return [];
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  // The name is that of the question, at byte 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function readName(bytes: Buffer): string {
  const labels: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    labels.push(bytes.toString("latin1", at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return labels.join(".");
}

function writeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

/** @param address with one `::`, or none. */
function writeIpv6(address: string): Buffer {
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
