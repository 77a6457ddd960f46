/** Amazon's rules for names of general purpose buckets, which other storages have taken over. */
const NAME = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
/** Reserved: what has such a name is an access point, a table or a directory bucket, and is addressed in other ways. */
const RESERVED_STARTS = ["xn--", "sthree-"];
const RESERVED_ENDS = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/** Whether this is the name of a general purpose bucket: no ARN, no alias of an access point, no host. */
export function isPlainBucket(name: string): boolean {
  return (
    name.length >= 3 &&
    name.length <= 63 &&
    NAME.test(name) &&
    !name.endsWith("-") &&
    !name.includes("-.") &&
    !ADDRESS.test(name) &&
    !RESERVED_STARTS.some((start) => name.startsWith(start)) &&
    !RESERVED_ENDS.some((end) => name.endsWith(end))
  );
}
