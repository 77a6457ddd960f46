import { formatSlotName, type SlotPlace } from "@sluice/broker";

/** The name of a slot, and its number in the process. */
export interface NumberedSlot {
  readonly name: string;
  readonly number: number;
}

/** Names for the slots of a process, one after another, each for an endpoint; none is given twice. */
export function createSlotNames(
  process: Pick<SlotPlace, "hostname" | "pid" | "random">,
): (endpoint: string) => NumberedSlot {
  let next = 0;
  return (endpoint) => {
    const number = next++;
    return { name: formatSlotName({ ...process, number, endpoint }), number };
  };
}
