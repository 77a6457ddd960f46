import { describe, expect, test } from "vitest";
import { NOTHING_MORE, parseUrlAllowance } from "../../src/images/url-allowance.js";
import { isGlobalUnicast, vetAddresses } from "../../src/images/vet-address.js";
import { vetRedirect, vetUrl } from "../../src/images/vet-url.js";
import { FORBIDDEN_IPV4, FORBIDDEN_IPV6, INSIDE_NAMES, PUBLIC_ADDRESSES, PUBLIC_NAMES } from "./forbidden-hosts.js";

const refused = expect.objectContaining({ code: "url-not-allowed" }) as Error;

describe("a URL", () => {
  test.each([
    ["http://pictures.example/a.png", "pictures.example"],
    ["HTTPS://Pictures.Example:443/a.png?size=2&t=a|b", "pictures.example"],
    ["http://pictures.example:443/", "pictures.example"],
    ["https://pictures.example./a", "pictures.example"],
    ["https://bücher.example/ü.png", "xn--bcher-kva.example"],
    ["http://93.184.215.14/a", "93.184.215.14"],
    ["http://[2606:4700::1111]/a", "2606:4700::1111"],
    [`http://pictures.example/${"a".repeat(2_024)}`, "pictures.example"],
  ])("%s may be fetched", (text, host) => {
    expect(vetUrl(text, NOTHING_MORE)).toEqual({ url: new URL(text), host, trusted: false });
  });

  test.each([
    "file:///etc/passwd",
    "ftp://pictures.example/a.png",
    "gopher://pictures.example:70/_x",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "ws://pictures.example/",
    "dict://pictures.example:6379/info",
    "//pictures.example/a.png",
    "/a.png",
    "pictures.example/a.png",
    "http:pictures.example",
    "http:/pictures.example",
    "http:///pictures.example",
    "http://",
    "http://?",
    "http:\\\\pictures.example",
    "http://pictures.example\\@127.0.0.1/",
    "http://user@pictures.example/",
    "http://user:secret@pictures.example/",
    "http://:@pictures.example/",
    "http://@pictures.example/",
    "http://pictures.example@127.0.0.1/",
    "http://pictures.example%40127.0.0.1/",
    "http://pictures.example#@127.0.0.1/",
    "http://pictures.example/#",
    "http://127.0.0.1:6379#@pictures.example/",
    "http://pictures.example:22/",
    "http://pictures.example:6379/",
    "http://pictures.example:0/",
    "http://pictures.example:8080/",
    "http://pictures.example:65536/",
    "http://pictures.example:80:80/",
    "http://pictures.example/a\r\nHost: evil.example",
    "http://pictures.example\n/",
    "http://pictures.example/\tb",
    "http://pictures.example/a b",
    " http://pictures.example/",
    "http://pictures.example/\u0000",
    "http://pictures.example/\u0085",
    "http://pictures\u00a0.example/",
    "http://exa\u00admple%00.example/",
    "http://1.2.3.4.5/",
    "http://256.256.256.256/",
    "http://0x100000000/",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[v1.x]/",
    `http://pictures.example/${"a".repeat(2_025)}`,
  ])("%j is refused", (text) => {
    expect(() => vetUrl(text, NOTHING_MORE)).toThrow(refused);
  });

  test.each(INSIDE_NAMES)("of %s is refused before anybody is asked for its address", (name) => {
    expect(() => vetUrl(`http://${name}/`, NOTHING_MORE)).toThrow(refused);
  });

  test("that is refused is not told more than why", () => {
    expect(() => vetAddresses(["10.1.2.3"], [])).toThrow(/^the host of the URL has an address that is not public$/);
  });
});

describe("a redirect", () => {
  const from = vetUrl("https://pictures.example/a/b.png", NOTHING_MORE);

  test.each([
    ["c.png", "https://pictures.example/a/c.png"],
    ["/c.png#there", "https://pictures.example/c.png"],
    ["//other.example/c d.png", "https://other.example/c%20d.png"],
    ["https://other.example/c", "https://other.example/c"],
  ])("to %s may be followed", (location, href) => {
    expect(vetRedirect(location, from, NOTHING_MORE).url.href).toBe(href);
  });

  test.each([
    "http://pictures.example/",
    "file:///etc/passwd",
    "https://u:p@other.example/",
    "//localhost/",
    "https://[::1",
    "//a:22/",
  ])("from https to %s is refused", (location) => {
    expect(() => vetRedirect(location, from, NOTHING_MORE)).toThrow(refused);
  });

  test("from http to http or https may be followed", () => {
    const plain = vetUrl("http://pictures.example/", NOTHING_MORE);
    expect(vetRedirect("http://other.example/", plain, NOTHING_MORE).url.protocol).toBe("http:");
    expect(vetRedirect("https://other.example/", plain, NOTHING_MORE).url.protocol).toBe("https:");
  });
});

describe("an address", () => {
  test.each([...FORBIDDEN_IPV4, ...FORBIDDEN_IPV6])("%s is not public", (address) => {
    expect(isGlobalUnicast(address)).toBe(false);
  });

  test.each(PUBLIC_ADDRESSES)("%s is public", (address) => {
    expect(isGlobalUnicast(address)).toBe(true);
  });

  test.each([
    "",
    "a",
    "127.1",
    "0177.0.0.1",
    "0x08080808",
    "8.8.8",
    "8.8.8.8/32",
    "2606:4700::1111%eth0",
    "[2606:4700::1111]",
  ])("that is written as %j is none", (address) => {
    expect(isGlobalUnicast(address)).toBe(false);
  });

  test.each(PUBLIC_NAMES)("among those of %s is enough to refuse it", (_name, addresses) => {
    expect(() => vetAddresses(addresses, [])).toThrow(refused);
  });
});

describe("what is allowed beside public hosts", () => {
  const allowance = parseUrlAllowance("images.local:9000, Minio ,[::1]:9000,10.1.0.0/16,fd00:1::/32,");

  test.each([
    ["http://images.local:9000/a", true],
    ["https://IMAGES.local.:9000/a", true],
    ["http://minio/a", true],
    ["https://minio/a", true],
    ["http://[0::1]:9000/a", true],
    ["http://10.1.2.3/a", false],
  ])("lets %s through, whose host is trusted: %s", (text, trusted) => {
    expect(vetUrl(text, allowance).trusted).toBe(trusted);
  });

  test.each([
    "http://images.local/",
    "http://images.local:9001/",
    "http://a.images.local:9000/",
    "http://minio:9000/",
    "http://10.1.2.3:9000/",
  ])("does not let %s through", (text) => {
    expect(() => vetUrl(text, allowance)).toThrow(refused);
  });

  test("are addresses of its ranges, and none beside them", () => {
    expect(() => vetAddresses(["10.1.2.3", "fd00:1::7", "8.8.8.8"], allowance.ranges)).not.toThrow();
    for (const address of ["10.2.0.1", "fd00:2::7", "127.0.0.1", "::ffff:a01:203", "x"]) {
      expect(() => vetAddresses([address], allowance.ranges)).toThrow(refused);
    }
  });

  test.each([
    "http://a/",
    "a/b",
    "10.0.0.0/33",
    "10.0.0.0/",
    "::/129",
    "a:0",
    "a:65536",
    "a:b",
    "::1",
    "a b",
    "user@a",
    "[::1",
    "*.a:x",
    "256.1.1.1",
  ])("is refused at start where it has %j", (list) => {
    expect(() => parseUrlAllowance(`good,${list}`)).toThrow(expect.objectContaining({ code: "config-invalid" }));
  });
});
