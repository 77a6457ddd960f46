import { createCodec } from "./codec.js";
import type { EmptyMessage } from "./health.js";
import { type Field, message, optional, readNested } from "./message.js";
import { count, string } from "./scalar-fields.js";

/** A piece of POSIX shared memory that a server knows by a name. */
export interface SharedMemoryRegion {
  /** How requests name it. */
  name: string;
  /** What shm_open takes: the name of a file in /dev/shm, after a slash. */
  key: string;
  /** Where it begins in that file. */
  offset: number;
  byteSize: number;
}

/** Names a region; without a name it means all of them. */
export interface SharedMemoryRegionName {
  name?: string;
}

/** RegionStatus and SystemSharedMemoryRegisterRequest, which are alike. */
const region = message<SharedMemoryRegion>({ name: string(1), key: string(2), offset: count(3), byteSize: count(4) });
const regionName = message<SharedMemoryRegionName>({ name: string(1) });
const empty = message<EmptyMessage>({});
/** Protobuf's own form of a map: a list of key and value. */
const mapEntry = message<{ key: string; value?: SharedMemoryRegion }>({ key: string(1), value: optional(2, region) });

/** SystemSharedMemoryStatusRequest. */
export const sharedMemoryStatusRequestCodec = createCodec("SystemSharedMemoryStatusRequest", regionName);
/** SystemSharedMemoryStatusResponse: regions by name. */
export const sharedMemoryStatusResponseCodec = createCodec(
  "SystemSharedMemoryStatusResponse",
  message<{ regions: Map<string, SharedMemoryRegion> }>({ regions: regionsByName(1) }),
);
/** SystemSharedMemoryRegisterRequest. */
export const sharedMemoryRegisterRequestCodec = createCodec("SystemSharedMemoryRegisterRequest", region);
/** SystemSharedMemoryRegisterResponse. */
export const sharedMemoryRegisterResponseCodec = createCodec("SystemSharedMemoryRegisterResponse", empty);
/** SystemSharedMemoryUnregisterRequest. */
export const sharedMemoryUnregisterRequestCodec = createCodec("SystemSharedMemoryUnregisterRequest", regionName);
/** SystemSharedMemoryUnregisterResponse. */
export const sharedMemoryUnregisterResponseCodec = createCodec("SystemSharedMemoryUnregisterResponse", empty);

function regionsByName(number: number): Field<Map<string, SharedMemoryRegion>> {
  const element = optional(number, mapEntry);
  return {
    number,
    initial: () => new Map(),
    write: (writer, regions) => {
      for (const [key, value] of regions) element.write(writer, { key, value });
    },
    read: (reader, previous = new Map()) => {
      const { key, value } = readNested(reader, mapEntry, mapEntry.initial());
      return previous.set(key, value ?? region.initial());
    },
  };
}
