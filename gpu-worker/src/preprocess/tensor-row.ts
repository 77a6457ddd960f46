import { BrokerError, type ModelInput } from "@sluice/broker";
import { isWholeTensor, matchesDims, type RowTensor } from "../triton/row-tensor.js";

/**
 * A tensor as it was submitted, if it is what its model takes.
 * @throws BrokerError input-rejected for another type or shape, or for bytes that are not that many elements.
 */
export function tensorRow(row: RowTensor, input: Extract<ModelInput, { kind: "tensor" }>): RowTensor {
  const submitted = `${row.datatype} [${row.shape.join(", ")}]`;
  if (row.datatype !== input.datatype || !matchesDims(row.shape, input.dims)) {
    const taken = `${input.datatype} [${input.dims.join(", ")}]`;
    throw new BrokerError("input-rejected", `the model takes ${taken}, not ${submitted}`);
  }
  if (!isWholeTensor(row)) {
    throw new BrokerError("input-rejected", `${row.data.length} bytes are not a tensor ${submitted}`);
  }
  return row;
}
