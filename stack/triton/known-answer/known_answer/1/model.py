"""Doubles numbers: what a new installation of Triton is asked to find out whether tensors get through it."""

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(pb_utils.get_input_tensor_by_name(request, "NUMBERS").as_numpy()) for request in requests]

    def answer(self, numbers):
        return pb_utils.InferenceResponse([pb_utils.Tensor("DOUBLED", numbers + numbers)])
