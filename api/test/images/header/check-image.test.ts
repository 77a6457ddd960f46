import { BrokerError } from "@sluice/broker";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { checkImage } from "../../../src/images/header/check-image.js";
import { makeSamples, type SamplePicture } from "./picture-corpus.js";

let samples: SamplePicture[] = [];
beforeAll(async () => {
  samples = await makeSamples();
});

function sample(type: string, name: string): Buffer {
  const found = samples.find((each) => each.type === `image/${type}` && each.name === name);
  if (!found) throw new Error(`there is no ${type} ${name}`);
  return Buffer.from(found.bytes);
}

/** "taken", or the code of the refusal; whatever else is thrown fails the test. */
function answerTo(bytes: Buffer, declaredType?: string): string {
  try {
    checkImage(bytes, declaredType);
    return "taken";
  } catch (error) {
    if (error instanceof BrokerError) return error.code;
    throw error;
  }
}

function patched(bytes: Buffer, patch: (bytes: Buffer) => unknown): Buffer {
  const copy = Buffer.from(bytes);
  patch(copy);
  return copy;
}

/** A PNG with another header, its checksum made right again. */
const png = (patch: (bytes: Buffer) => unknown, name = "colour") =>
  patched(sample("png", name), (bytes) => {
    patch(bytes);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  });
const jpegFrame = (patch: (bytes: Buffer, at: number) => unknown) =>
  patched(sample("jpeg", "baseline"), (bytes) => patch(bytes, bytes.indexOf(Buffer.from([0xff, 0xc0]))));
const avifSize = (width: number, height: number) =>
  patched(sample("avif", "lossy"), (bytes) => {
    const at = bytes.indexOf("ispe");
    bytes.writeUInt32BE(width, at + 8);
    bytes.writeUInt32BE(height, at + 12);
  });
const extendedWebp = (width: number, height: number) =>
  patched(sample("webp", "EXIF"), (bytes) => {
    bytes.writeUIntLE(width - 1, 24, 3);
    bytes.writeUIntLE(height - 1, 27, 3);
  });
const gifScreen = (width: number, height: number) =>
  patched(sample("gif", "still"), (bytes) => {
    bytes.writeUInt16LE(width, 6);
    bytes.writeUInt16LE(height, 8);
  });
const chunk = (name: string, content: Buffer) => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(name), content, Buffer.alloc(4)]);
  bytes.writeUInt32BE(content.length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
};
const afterPngHeader = (more: Buffer) => {
  const bytes = sample("png", "colour");
  return Buffer.concat([bytes.subarray(0, 33), more, bytes.subarray(33)]);
};
/** An animation of so many frames, which all are the same. */
const gifOf = (frames: number) => {
  const bytes = sample("gif", "still");
  const image = bytes.subarray(13 + 3 * 2 ** (((bytes[10] ?? 0) & 7) + 1), -1);
  const head = bytes.subarray(0, bytes.length - image.length - 1);
  return Buffer.concat([head, ...Array.from({ length: frames }, () => image), Buffer.from(";")]);
};
const webpOf = (frames: number) => {
  const frame = Buffer.concat([Buffer.from("ANMF\x02\0\0\0", "latin1"), Buffer.alloc(2)]);
  const bytes = sample("webp", "animated");
  const all = Buffer.concat([bytes.subarray(0, 30), ...Array.from({ length: frames }, () => frame)]);
  return patched(all, (copy) => copy.writeUInt32LE(copy.length - 8, 4));
};

test("every kind of picture is taken, and its size and frames are known", () => {
  for (const { name, bytes, type, width, height, frames } of samples) {
    expect({ name, ...checkImage(bytes, type) }).toEqual({ name, type, width, height, frames });
  }
});

test("what follows a picture is tolerated, as phones put films there", () => {
  for (const { bytes, name } of samples) {
    for (const filler of [0x00, 0xff, 0x50]) {
      expect(`${name} ${answerTo(Buffer.concat([bytes, Buffer.alloc(5_000, filler)]))}`).toBe(`${name} taken`);
    }
  }
});

test("an AVIF may be called a picture of no special kind; a HEIF and a sequence are not taken", () => {
  const brand = (name: string) => patched(sample("avif", "lossy"), (bytes) => bytes.write(name, 8, "latin1"));
  expect(["mif1", "msf1", "heic", "avis", "heix"].map((name) => answerTo(brand(name)))).toEqual([
    "taken",
    "taken",
    ...Array.from({ length: 3 }, () => "unsupported-image-type"),
  ]);
});

/** A JPEG whose scan has 5 MB, and then something else. */
const longJpeg = (end: Buffer) => {
  const head = sample("jpeg", "baseline").subarray(0, -2);
  return Buffer.concat([head, Buffer.alloc(5_000_000, Buffer.from("1234567890ff00d1", "hex")), end]);
};

test("the end of a large JPEG may lie before a film of any size", () => {
  const endMark = Buffer.from("ffd9", "hex");
  const film = Buffer.alloc(3_000_000, Buffer.from("ffe1abcd11", "hex"));
  expect(answerTo(longJpeg(endMark))).toBe("taken");
  expect(answerTo(longJpeg(Buffer.concat([endMark, film])))).toBe("taken");
  expect(answerTo(longJpeg(Buffer.concat([endMark, Buffer.alloc(3_000_000)])))).toBe("taken");
});

describe("refused is", () => {
  const rows: readonly (readonly [what: string, make: () => Buffer, code: string])[] = [
    ["a PNG of 30,000 x 30,000", () => png((b) => b.writeUInt32BE(30_000, 16) && b.writeUInt32BE(30_000, 20)), "large"],
    ["a PNG of 1 x 1,000,000", () => png((b) => b.writeUInt32BE(1, 16) && b.writeUInt32BE(1_000_000, 20)), "large"],
    ["a PNG without pixels", () => png((b) => b.writeUInt32BE(0, 16)), "corrupt"],
    ["a PNG of 3 bits", () => png((b) => b.writeUInt8(3, 24)), "corrupt"],
    ["a PNG of a colour type that there is not", () => png((b) => b.writeUInt8(5, 25)), "corrupt"],
    ["a PNG of another compression", () => png((b) => b.writeUInt8(1, 26)), "corrupt"],
    ["a PNG whose header has a wrong checksum", () => patched(png(Boolean), (b) => b.writeUInt8(1, 29)), "corrupt"],
    ["a PNG whose data have a wrong checksum", () => patched(png(Boolean), (b) => b.writeUInt8(99, 200)), "corrupt"],
    ["a PNG without data", () => Buffer.concat([png(Boolean).subarray(0, 33), png(Boolean).subarray(-12)]), "corrupt"],
    ["a PNG without its palette", () => png((b) => b.set([8, 3], 24)), "corrupt"],
    ["a PNG of 10,000 frames", () => afterPngHeader(chunk("acTL", Buffer.from("0000271000000000", "hex"))), "large"],
    ["a PNG that is cut off", () => png(Boolean).subarray(0, -13), "corrupt"],
    ["a JPEG of 65,000 x 65,000", () => jpegFrame((b, at) => b.writeUInt32BE(0xfde8fde8, at + 5)), "large"],
    ["a JPEG without height", () => jpegFrame((b, at) => b.writeUInt16BE(0, at + 5)), "corrupt"],
    ["a JPEG of 12 bits", () => jpegFrame((b, at) => b.writeUInt8(12, at + 4)), "unsupported"],
    ["a hierarchical JPEG", () => jpegFrame((b, at) => b.writeUInt8(0xc5, at + 1)), "unsupported"],
    ["a JPEG with channels that it does not describe", () => jpegFrame((b, at) => b.writeUInt8(64, at + 9)), "corrupt"],
    ["a JPEG without a frame header", () => jpegFrame((b, at) => b.writeUInt8(0xfe, at + 1)), "corrupt"],
    ["a JPEG that ends before its scan", () => jpegFrame((b, at) => b.writeUInt8(0xd9, at + 1)), "corrupt"],
    ["a JPEG without its end", () => sample("jpeg", "baseline").subarray(0, -2), "corrupt"],
    ["half a progressive JPEG", () => sample("jpeg", "progressive").subarray(0, 1_200), "corrupt"],
    [
      "a JPEG of nothing but ff",
      () => Buffer.concat([Buffer.from("ffd8", "hex"), Buffer.alloc(99_999, 255)]),
      "corrupt",
    ],
    ["a WebP of 16,000 x 16,000", () => extendedWebp(16_000, 16_000), "large"],
    ["a WebP of 1,001 frames", () => webpOf(1_001), "large"],
    ["a WebP without a picture", () => webpOf(0), "corrupt"],
    ["a WebP that is not as long as it says", () => sample("webp", "lossy").subarray(0, -2), "corrupt"],
    [
      "a WebP that begins with another frame",
      () => patched(sample("webp", "lossy"), (b) => b.writeUInt8(1, 20)),
      "corrupt",
    ],
    [
      "a lossless WebP of another version",
      () => patched(sample("webp", "lossless"), (b) => b.writeUInt8(255, 24)),
      "corrupt",
    ],
    ["a GIF of 65,535 x 65,535", () => gifScreen(65_535, 65_535), "large"],
    ["a GIF of 10,000 frames", () => gifOf(10_000), "large"],
    ["a GIF without a frame", () => gifOf(0), "corrupt"],
    ["a GIF whose first frame is cut off", () => sample("gif", "still").subarray(0, -2), "corrupt"],
    ["an AVIF of 9,000 x 9,000", () => avifSize(9_000, 9_000), "large"],
    ["an AVIF of 1 x 4,294,967,295", () => avifSize(1, 0xffffffff), "large"],
    ["an AVIF that is cut off", () => sample("avif", "lossy").subarray(0, -1), "corrupt"],
    ["an AVIF of its first box", () => sample("avif", "lossy").subarray(0, 32), "corrupt"],
    ["a picture of another type than was said", () => sample("jpeg", "grey"), "unsupported"],
  ];
  const CODES = { large: "image-too-large", corrupt: "image-corrupt", unsupported: "unsupported-image-type" };
  test.each(rows)("%s", (what, make, code) => {
    const declared = what.includes("was said") ? "image/png" : undefined;
    expect(answerTo(make(), declared)).toBe(CODES[code as keyof typeof CODES]);
  });

  test("nothing that is one frame or one pixel smaller (the limits are where they are said to be)", () => {
    expect(answerTo(webpOf(1_000))).toBe("taken");
    expect(answerTo(gifOf(1_000))).toBe("taken");
    expect(answerTo(gifScreen(8_000, 5_000))).toBe("taken");
    expect(answerTo(gifScreen(8_000, 5_001))).toBe("image-too-large");
    expect(answerTo(png((b) => b.writeUInt32BE(65_535, 16)))).toBe("taken");
  });
});

test("whatever is wrong with a picture, it is said by a code: cut at each length, and each byte changed", () => {
  const seen = new Set<string>();
  for (const { bytes, type, frames } of samples) {
    for (let end = 0; end < bytes.length; end++) {
      const answer = answerTo(bytes.subarray(0, end));
      // Of a GIF only its first frame is used.
      const mayBeTaken = type === "image/gif" && (frames > 1 || end === bytes.length - 1);
      if (!mayBeTaken) expect(`${type} ${end}: ${answer}`).not.toContain("taken");
    }
    for (let at = 0; at < Math.min(bytes.length, 4_096); at++) {
      for (const mask of [0xff, 0x01, 0x80]) {
        seen.add(answerTo(patched(bytes, (copy) => copy.writeUInt8((copy[at] ?? 0) ^ mask, at))));
      }
    }
  }
  expect([...seen].sort()).toEqual(["image-corrupt", "image-too-large", "taken", "unsupported-image-type"]);
});

describe("50 MB are judged in well under 5 ms of a core", () => {
  const SIZE = 50 * 1024 * 1024;
  const filled = (head: Buffer, pattern: Buffer) => Buffer.concat([head, Buffer.alloc(SIZE - head.length, pattern)]);
  const rows: readonly (readonly [what: string, make: () => Buffer])[] = [
    ["a JPEG and zeros", () => filled(sample("jpeg", "baseline"), Buffer.alloc(1))],
    ["a JPEG without end", () => filled(sample("jpeg", "baseline").subarray(0, -2), Buffer.from("ff00", "hex"))],
    [
      "a JPEG without end that is slow to search",
      () => filled(sample("jpeg", "baseline").subarray(0, -2), Buffer.from("d9ff00", "hex")),
    ],
    ["a JPEG of the shortest segments", () => filled(Buffer.from("ffd8ff", "hex"), Buffer.from("fe0002ff", "hex"))],
    ["a JPEG of ff", () => filled(Buffer.from("ffd8ff", "hex"), Buffer.from("ff", "hex"))],
    ["a JPEG of garbage", () => filled(Buffer.from("ffd8ff", "hex"), Buffer.alloc(1))],
    ["a PNG of empty chunks", () => filled(png(Boolean).subarray(0, 33), chunk("teXt", Buffer.alloc(0)))],
    ["a PNG of empty data", () => filled(png(Boolean).subarray(0, 33), chunk("IDAT", Buffer.alloc(0)))],
    ["a PNG of data", () => filled(png(Boolean).subarray(0, 33), chunk("IDAT", Buffer.alloc(8_192)))],
    ["a GIF of blocks of one byte", () => filled(gifOf(1).subarray(0, -2), Buffer.from("0100", "hex").subarray(0, 1))],
    ["a GIF of full blocks", () => filled(gifOf(1).subarray(0, -2), Buffer.alloc(256, 255))],
    ["a GIF of empty extensions", () => filled(gifOf(1).subarray(0, -1), Buffer.from("21fe00", "hex"))],
    [
      "an extended WebP of empty chunks",
      () => patched(filled(webpOf(1), Buffer.from("abcd\0\0\0\0")), (b) => b.writeUInt32LE(SIZE - 8, 4)),
    ],
    ["an AVIF of empty boxes", () => filled(sample("avif", "lossy"), Buffer.from("\0\0\0\x08free", "latin1"))],
  ];
  test.each(rows)("%s", (what, make) => {
    const bytes = make();
    // Of this process: what others do meanwhile is not the check's.
    for (let warmUp = 0; warmUp < 30; warmUp++) answerTo(bytes);
    const tookMs = Array.from({ length: 100 }, () => {
      const before = process.cpuUsage();
      answerTo(bytes);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    }).sort((a, b) => a - b);
    console.info(`${what}: median ${tookMs[50]?.toFixed(2)} ms, p99 ${tookMs[98]?.toFixed(2)} ms`);
    // The collector's and the compiler's threads count too, so that the slowest of them say little about the check.
    expect(tookMs[50]).toBeLessThan(2.5);
  });
});
