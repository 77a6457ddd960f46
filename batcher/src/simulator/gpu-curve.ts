/** How long a batch takes on a simulated GPU, before noise. */
export interface GpuCurve {
  readonly name: string;
  /** Milliseconds for a batch of so many rows, 1 at least. */
  meanMs(size: number): number;
}

/** A fixed cost, and one for each row. */
export function lineCurve(fixedMs: number, rowMs: number): GpuCurve {
  return { name: `${fixedMs} + ${rowMs} b`, meanMs: (size) => fixedMs + rowMs * size };
}

/** Straight between measured sizes (rising from 1), straight on beyond the last. */
export function measuredCurve(name: string, points: readonly (readonly [size: number, ms: number])[]): GpuCurve {
  const meanMs = (size: number): number => {
    const above = points.findIndex(([at]) => at >= size);
    const right = above === -1 ? points.length - 1 : Math.max(1, above);
    const [leftSize, leftMs] = points[right - 1] ?? [0, 0];
    const [rightSize, rightMs] = points[right] ?? [1, 0];
    return leftMs + ((size - leftSize) * (rightMs - leftMs)) / (rightSize - leftSize);
  };
  return { name, meanMs };
}

/**
 * ResNet-50, ONNX Runtime with TensorRT, FP16, one static batch in flight: mean latencies that NVIDIA published
 * (DeepLearningExamples, PyTorch/Classification/ConvNets/triton/resnet50, offline scenario).
 */
export const A100 = measuredCurve("A100", [
  [1, 2.128],
  [2, 2.194],
  [4, 2.759],
  [8, 3.895],
  [16, 5.793],
  [32, 11.193],
  [64, 25.244],
  [128, 48.086],
]);

/** As {@link A100}. */
export const A40 = measuredCurve("A40", [
  [1, 2.031],
  [2, 2.459],
  [4, 3.652],
  [8, 5.078],
  [16, 9.678],
  [32, 15.451],
  [64, 36.147],
  [128, 67.889],
]);

/** As {@link A100}. */
export const T4 = measuredCurve("T4", [
  [1, 3.003],
  [2, 3.998],
  [4, 5.747],
  [8, 8.998],
  [16, 15.113],
  [32, 28.353],
  [64, 53.187],
  [128, 100.155],
]);

/** The line that the sleep model has. */
export const LINE = lineCurve(5, 0.25);
/** A model that writes captions: dear to start, dear for each. */
export const CAPTIONING = lineCurve(40, 6);

/** Most rows that one server can do in a millisecond, in batches of at most `maxSize`. */
export function capacityPerMs(curve: GpuCurve, maxSize: number): number {
  let best = 0;
  for (let size = 1; size <= maxSize; size++) best = Math.max(best, size / curve.meanMs(size));
  return best;
}
