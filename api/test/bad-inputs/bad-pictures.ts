import { crc32 } from "node:zlib";
import type { Ask } from "../api-fixture.js";
import { JPEG, PNG } from "../pictures.js";
import { body, type BadInput, text } from "./bad-input.js";

const image = (base64: string): Ask => body({ input: { image_base64: base64 } });
const png = (contentType: string, raw: Buffer = PNG): Ask => text(raw, { "content-type": contentType });

/** A form of these parts, `[headers, content]`. */
function form(parts: readonly (readonly [string, string | Buffer])[], end = "--x--\r\n"): Ask {
  const chunks = parts.flatMap(([head, content]) => [`--x\r\n${head}\r\n\r\n`, content, "\r\n"]);
  const raw = Buffer.concat([...chunks, end].map((chunk) => Buffer.from(chunk)));
  return text(raw, { "content-type": "multipart/form-data; boundary=x" });
}
const field = (name: string, value: string) => [`content-disposition: form-data; name="${name}"`, value] as const;
const file = (name: string, content: Buffer = PNG, type = "image/png") =>
  [`content-disposition: form-data; name="${name}"; filename="../../b.png"\r\ncontent-type: ${type}`, content] as const;

/** The same bytes but for one. */
function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy[at] ?? 0) ^ 0xff, at);
  return copy;
}

/** A PNG that says that it is so large; its header's checksum is right. */
function pngOf(width: number, height: number): Buffer {
  const copy = Buffer.from(PNG);
  copy.writeUInt32BE(width, 16);
  copy.writeUInt32BE(height, 20);
  copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  return copy;
}

/** A PNG that says that it is an animation. */
function pngOfFrames(frames: number): Buffer {
  const control = Buffer.concat([Buffer.from("\0\0\0\x08acTL", "latin1"), Buffer.alloc(12)]);
  control.writeUInt32BE(frames, 8);
  control.writeUInt32BE(crc32(control.subarray(4, 16)), 16);
  return Buffer.concat([PNG.subarray(0, 33), control, PNG.subarray(33)]);
}

/** Pictures that are none, and forms that cannot be read. */
export const BAD_PICTURES: readonly BadInput[] = [
  ["an empty Base64", image(""), "422 validation-failed /input/image_base64"],
  [
    "Base64 with spaces",
    image(`${PNG.toString("base64").slice(0, 4)} ${PNG.toString("base64").slice(4)}`),
    "422 invalid-base64 /input/image_base64",
  ],
  [
    "Base64 without padding",
    image(PNG.toString("base64").replaceAll("=", "")),
    "422 invalid-base64 /input/image_base64",
  ],
  ["Base64 of the URL alphabet", image("_-_-"), "422 invalid-base64 /input/image_base64"],
  ["Base64 with padding inside", image("QQ==QQ=="), "422 invalid-base64 /input/image_base64"],
  ["a data URL of text", image("data:text/plain;base64,QUJD"), "422 invalid-base64 /input/image_base64"],
  ["a data URL without Base64", image("data:image/png,abc"), "422 invalid-base64 /input/image_base64"],
  ["a data URL of nothing", image("data:image/png;base64,"), "422 invalid-base64 /input/image_base64"],
  [
    "a data URL of another type",
    image(`data:image/webp;base64,${PNG.toString("base64")}`),
    "415 unsupported-image-type",
  ],
  ["HTML", image(Buffer.from("<html>").toString("base64")), "415 unsupported-image-type"],
  [
    "SVG",
    image(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString("base64")),
    "415 unsupported-image-type",
  ],
  ["PDF", image(Buffer.from("%PDF-1.7").toString("base64")), "415 unsupported-image-type"],
  ["TIFF", image(Buffer.from("II*\0\0\0\0\0").toString("base64")), "415 unsupported-image-type"],
  [
    "ELF",
    png("application/octet-stream", Buffer.from("\x7fELF\x02\x01\x01\0", "latin1")),
    "415 unsupported-image-type",
  ],
  ["HEIF", png("image/heic", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0", "latin1")), "415 unsupported-image-type"],
  ["a PNG that is cut off", png("image/png", PNG.subarray(0, -8)), "422 image-corrupt"],
  ["a PNG whose data are garbage", png("image/png", changed(PNG, 50)), "422 image-corrupt"],
  ["a JPEG that is cut off", image(JPEG.subarray(0, -2).toString("base64")), "422 image-corrupt"],
  ["a JPEG of nothing but its signature", png("image/jpeg", JPEG.subarray(0, 20)), "422 image-corrupt"],
  ["a PNG of 30,000 x 30,000 pixels", png("image/png", pngOf(30_000, 30_000)), "422 image-too-large"],
  ["a PNG of 1 x 1,000,000 pixels", png("image/png", pngOf(1, 1_000_000)), "422 image-too-large"],
  ["a PNG of 1,001 frames", png("image/png", pngOfFrames(1_001)), "422 image-too-large"],
  ["a JPEG that says PNG", png("image/png", JPEG), "415 unsupported-image-type"],
  ["no bytes", png("image/png", Buffer.alloc(0)), "422 validation-failed /input"],
  [
    "a picture for a text model",
    { ...png("image/png"), path: "/v1/inference?model=echo" },
    "422 validation-failed /input",
  ],
  [
    "options that are none",
    { ...png("image/png"), path: "/v1/inference?deadline_ms=soon&top_k=1.5&colour=1" },
    "422 validation-failed /colour",
  ],
  [
    "an option given twice",
    { ...png("image/png"), path: "/v1/inference?top_k=1&top_k=2" },
    "422 validation-failed /top_k",
  ],
  ["a form without boundary", text("x", { "content-type": "multipart/form-data" }), "400 invalid-multipart"],
  ["a form that is cut off", form([file("image")], "--x"), "400 invalid-multipart"],
  ["a form without end", form([file("image")], ""), "400 invalid-multipart"],
  ["no form at all", text("hello", { "content-type": "multipart/form-data; boundary=x" }), "400 invalid-multipart"],
  ["a form of 10,000 parts", form(Array.from({ length: 10_000 }, () => field("model", "a"))), "400 invalid-multipart"],
  ["a form with a NUL in a header", form([file("image\u0000")]), "400 invalid-multipart"],
  ["a form without file", form([field("model", "shapes")]), "422 validation-failed /image"],
  ["a form with two files", form([file("image"), file("image", JPEG, "image/jpeg")]), "422 validation-failed /image"],
  ["a file of another name", form([file("picture")]), "422 validation-failed /picture"],
  [
    "a field that is not known",
    form([file("image"), field("__proto__[a]", "1")]),
    "422 validation-failed /__proto__[a]",
  ],
  [
    "a field given twice",
    form([file("image"), field("top_k", "1"), field("top_k", "2")]),
    "422 validation-failed /top_k",
  ],
  [
    "a field that is too long",
    form([file("image"), field("client_id", "a".repeat(2_000))]),
    "422 validation-failed /client_id",
  ],
  [
    "a field of the wrong type",
    form([file("image"), field("deadline_ms", "soon")]),
    "422 validation-failed /deadline_ms",
  ],
  ["a file that is no picture", form([file("image", Buffer.from("hello"))]), "415 unsupported-image-type"],
];
