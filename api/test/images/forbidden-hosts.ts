/** IPv4 addresses that no caller may make us connect to: edges and insides of every special range (IANA), and some services. */
export const FORBIDDEN_IPV4 = `
  0.0.0.0 0.0.0.1 0.255.255.255
  10.0.0.0 10.0.0.1 10.1.2.3 10.96.0.1 10.255.255.255
  100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
  127.0.0.0 127.0.0.1 127.0.1.1 127.1.2.3 127.255.255.255
  168.63.129.16
  169.254.0.0 169.254.0.1 169.254.169.123 169.254.169.253 169.254.169.254 169.254.170.2 169.254.255.255
  172.16.0.0 172.16.0.1 172.17.0.1 172.20.10.1 172.31.0.2 172.31.255.255
  192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
  192.0.2.0 192.0.2.1 192.0.2.255
  192.31.196.1 192.52.193.1 192.175.48.1
  192.88.99.0 192.88.99.1 192.88.99.255
  192.168.0.0 192.168.0.1 192.168.1.1 192.168.99.100 192.168.255.255
  198.18.0.0 198.18.0.1 198.19.255.255
  198.51.100.0 198.51.100.1 198.51.100.255
  203.0.113.0 203.0.113.1 203.0.113.255
  224.0.0.0 224.0.0.1 224.0.0.251 232.1.2.3 233.252.0.1 239.255.255.250 239.255.255.255
  240.0.0.0 240.0.0.1 247.1.2.3 255.255.255.254 255.255.255.255
`
  .trim()
  .split(/\s+/);

/** The IPv4 addresses that are written in all the ways that IPv6 has for them. */
const EMBEDDED = [
  "7f00:1",
  "0:0",
  "a00:1",
  "ac10:1",
  "c0a8:101",
  "a9fe:a9fe",
  "6440:1",
  "6464:64c8",
  "e000:1",
  "ffff:ffff",
];

/** The same for IPv6; `808:808` is a public address, which is none in this form. */
export const FORBIDDEN_IPV6 = [
  ...EMBEDDED.flatMap((tail) => [`::ffff:${tail}`, `64:ff9b::${tail}`, `64:ff9b:1::${tail}`, `2002:${tail}::`]),
  ...EMBEDDED.slice(2).flatMap((tail) => [`::${tail}`, `::ffff:0:${tail}`, `2001:0:${tail}::1`]),
  ...["::ffff:808:808", "::808:808", "64:ff9b::808:808", "2002:808:808::1", "2001:0:808:808::1"],
  ...`
  :: ::1 ::2 100::1 100::ffff:ffff 100:0:0:1::1 200::1 1fff::1
  2001::1 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:1f:ffff::1 2001:20::1 2001:30::1 2001:1ff:ffff::1
  2001:db8::1 2001:db8:ffff::1 2002::1 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1
  4000::1 5f00::1 8000::1 c000::1 f000::1 fbff::1
  fc00::1 fc00:ec2::254 fd00::1 fd00:ec2::254 fd20:ce::254 fdff:ffff::1
  fe00::1 fe80::1 fe80::5efe:c0a8:101 fe80::a9fe:a9fe febf::1 fec0::1 feff::1 ff00::1 ff01::1 ff02::1 ff02::fb ff05::2 ff0e::1
  `
    .trim()
    .split(/\s+/),
];

/** Other ways to write such an address into a URL, and what each is. */
export const SPELLINGS: readonly (readonly [host: string, address: string])[] = [
  ["127.1", "127.0.0.1"],
  ["127.0.1", "127.0.0.1"],
  ["127.000.000.001", "127.0.0.1"],
  ["0", "0.0.0.0"],
  ["0x0", "0.0.0.0"],
  ["00000000", "0.0.0.0"],
  ["2130706433", "127.0.0.1"],
  ["0x7f000001", "127.0.0.1"],
  ["017700000001", "127.0.0.1"],
  ["0x7f.1", "127.0.0.1"],
  ["0x7F.0x0.0x0.0x1", "127.0.0.1"],
  ["0177.0.0.1", "127.0.0.1"],
  ["0177.0x0.0.01", "127.0.0.1"],
  ["127.0.0.1.", "127.0.0.1"],
  ["①②⑦.⓪.⓪.①", "127.0.0.1"],
  ["１２７.0.0.1", "127.0.0.1"],
  ["127。0。0。1", "127.0.0.1"],
  ["127%2e0%2e0%2e1", "127.0.0.1"],
  ["%31%32%37.0.0.1", "127.0.0.1"],
  ["2852039166", "169.254.169.254"],
  ["0xa9fea9fe", "169.254.169.254"],
  ["0xa9.0xfe.0xa9.0xfe", "169.254.169.254"],
  ["0251.0376.0251.0376", "169.254.169.254"],
  ["169.254.43518", "169.254.169.254"],
  ["169.16689662", "169.254.169.254"],
  ["3232235777", "192.168.1.1"],
  ["0xc0a80101", "192.168.1.1"],
  ["192.168.257", "192.168.1.1"],
  ["10.1", "10.0.0.1"],
  ["167772161", "10.0.0.1"],
  ["012.1.2.3", "10.1.2.3"],
  ["4294967295", "255.255.255.255"],
  ["[::ffff:127.0.0.1]", "::ffff:7f00:1"],
  ["[::127.0.0.1]", "::7f00:1"],
  ["[0:0:0:0:0:0:0:1]", "::1"],
  ["[0000:0000:0000:0000:0000:ffff:7f00:0001]", "::ffff:7f00:1"],
  ["[64:ff9b::169.254.169.254]", "64:ff9b::a9fe:a9fe"],
  ["[FD00:EC2::254]", "fd00:ec2::254"],
];

/** Names that mean something inside only: nobody is asked for their addresses. */
export const INSIDE_NAMES = `
  localhost localhost. LOCALHOST lo%63alhost ｌocalhost a.localhost localhost.localdomain ip6-localhost ip6-loopback
  metadata metadata.google.internal METADATA.GOOGLE.INTERNAL. instance-data.ec2.internal ip-10-0-0-1.eu-west-1.compute.internal
  kubernetes kubernetes.default.svc.cluster.local api.default.svc.cluster.local redis printer.local router.lan
  host.docker.internal gateway.docker.internal nas.home.arpa wiki.intranet abcdefgh.onion
`
  .trim()
  .split(/\s+/);

/** Names that anybody can look up, and that lead inside. */
export const PUBLIC_NAMES: readonly (readonly [name: string, addresses: readonly string[]])[] = [
  ["127.0.0.1.nip.io", ["127.0.0.1"]],
  ["169-254-169-254.sslip.io", ["169.254.169.254"]],
  ["localtest.me", ["127.0.0.1", "::1"]],
  ["aaaa-only.example", ["fd00::1"]],
  ["mixed.example", ["93.184.215.14", "10.0.0.1"]],
  ["mixed-the-other-way.example", ["10.0.0.1", "93.184.215.14"]],
  ["mixed-families.example", ["93.184.215.14", "::ffff:a00:1"]],
  ["cname-chain.example", ["93.184.215.14", "2606:4700::1111", "172.16.0.1"]],
];

/** Beside the forbidden ranges: these must not be refused. */
export const PUBLIC_ADDRESSES = `
  1.0.0.1 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
  169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255
  192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
  2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2001:ffff::1 2003::1 2606:4700::1111 2a00:1450:4001::1 3ffe::1
`
  .trim()
  .split(/\s+/);
