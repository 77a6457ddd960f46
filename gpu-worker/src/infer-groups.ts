import type { RowTensor } from "./triton/row-tensor.js";

/** Some rows of a batch, by their places in it. */
export interface InferGroup {
  readonly indexes: readonly number[];
  readonly rows: readonly RowTensor[];
}

/** What one call can take. */
export interface GroupLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/**
 * Cuts a batch into parts that fit one call each: of one type and shape, within the limits. A batch is made to fit, so
 * this is one part, unless a model was replaced by a smaller one while its batches waited. A row that is too large for
 * any call gets one of its own, which is then refused.
 * @param rows undefined where there is nothing to run.
 */
export function groupRows(rows: readonly (RowTensor | undefined)[], limits: GroupLimits): InferGroup[] {
  const open = new Map<string, { indexes: number[]; rows: RowTensor[]; bytes: number }>();
  const groups: InferGroup[] = [];
  // Rows mostly share the very same shape object or look alike: the key is only made when it changes.
  let last: RowTensor | undefined;
  let key = "";
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    if (!row) continue;
    if (!last || !isAlike(row, last)) key = `${row.datatype} ${row.shape.join()}`;
    last = row;
    let group = open.get(key);
    if (!group || group.rows.length >= limits.maxRows || group.bytes + row.data.length > limits.maxBytes) {
      group = { indexes: [], rows: [], bytes: 0 };
      open.set(key, group);
      groups.push(group);
    }
    group.indexes.push(index);
    group.rows.push(row);
    group.bytes += row.data.length;
  }
  return groups;
}

function isAlike(one: RowTensor, other: RowTensor): boolean {
  if (one.datatype !== other.datatype || one.shape.length !== other.shape.length) return false;
  for (let axis = 0; axis < one.shape.length; axis++) {
    if (one.shape[axis] !== other.shape[axis]) return false;
  }
  return true;
}
