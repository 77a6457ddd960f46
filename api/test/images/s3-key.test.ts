import { expect, test } from "vitest";
import { isPlainKey } from "../../src/images/s3-key.js";

test.each([
  "photo.png",
  "2026/11/photo 1.png",
  "a//b",
  "/a",
  "a/",
  "..a/b..",
  "a/.../b",
  "photo.png?endpoint=http://x",
  "Größe/写真.jpg",
  "a".repeat(1_024),
])("%j is a key", (key) => {
  expect(isPlainKey(key)).toBe(true);
});

test.each([
  "",
  "..",
  ".",
  "../secret",
  "a/../../b",
  "a/..",
  "a/./b",
  "a\\..\\b",
  "a\0b",
  "a\r\nx-header: 1",
  "a\tb",
  "a\u007fb",
  "a\u0085b",
  "\ud800",
  "a".repeat(1_025),
  "ä".repeat(513),
])("%j is none", (key) => {
  expect(isPlainKey(key)).toBe(false);
});
