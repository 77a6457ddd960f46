"""Runs model.onnx with onnxruntime on Triton's Python backend: the script of every model that is an ONNX file.

Tensor names and types are the graph's own, so there is nothing to write for one model.
"""

import json
import pathlib

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        path = pathlib.Path(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
        self.inputs = self.session.get_inputs()
        self.output_names = [output["name"] for output in config["output"]]
        self.row_by_row = config["parameters"]["batch_dimension"]["string_value"] == "one"
        check_batch_dimension(self.inputs, self.row_by_row)

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        feeds = {tensor.name: self.feed_of(request, tensor) for tensor in self.inputs}
        try:
            outputs = self.run_rows(feeds) if self.row_by_row else self.session.run(self.output_names, feeds)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument as error:
            # The shapes do not fit the graph: the caller's data is at fault, not this endpoint.
            return refusal(str(error))
        return pb_utils.InferenceResponse(list(map(pb_utils.Tensor, self.output_names, map(to_triton, outputs))))

    def feed_of(self, request, tensor):
        value = pb_utils.get_input_tensor_by_name(request, tensor.name).as_numpy()
        if tensor.type != "tensor(string)":
            return value
        return np.array([text.decode("utf-8", "replace") for text in value.ravel()], np.object_).reshape(value.shape)

    def run_rows(self, feeds):
        rows = len(next(iter(feeds.values())))
        answers = [
            self.session.run(self.output_names, {name: value[row : row + 1] for name, value in feeds.items()})
            for row in range(rows)
        ]
        return [np.concatenate(parts) for parts in zip(*answers)]


def session_options():
    options = onnxruntime.SessionOptions()
    # One thread a model: the cores are shared with the other processes of the path, and idle threads that spin
    # between batches would take them from those.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Errors only: networks converted long ago make it warn about each of their initializers.
    options.log_severity_level = 3
    return options


def check_batch_dimension(inputs, row_by_row):
    """Refuses to load what would fail later: a batch for a graph that takes one row, or rows alone without need."""
    fixed = all(tensor.shape and tensor.shape[0] == 1 for tensor in inputs)
    if fixed != row_by_row:
        declared, found = ("one", "free") if row_by_row else ("dynamic", "1")
        raise pb_utils.TritonModelException(
            f'model.json says that the batch dimension is "{declared}", but in the graph it is {found}'
        )


def to_triton(value):
    return value.astype(np.object_) if value.dtype.kind in "US" else value


def refusal(reason):
    return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(reason, pb_utils.TritonError.INVALID_ARG))
