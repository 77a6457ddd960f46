"""Stands for a GPU in load tests: serial, 5 ms + 0.25 ms a row, next to no CPU, and an answer that depends on the input.

The time for the digests is part of the sleep, so that the capacity is known: n rows in 5 + n / 4 ms. The parameters
`call_ms` and `row_ms` change the two times.
"""

import hashlib
import json
import time

import numpy as np
import triton_python_backend_utils as pb_utils

CALL_MS = 5
ROW_MS = 0.25


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        self.call_s = float(parameters.get("call_ms", {}).get("string_value", CALL_MS)) / 1000
        self.row_s = float(parameters.get("row_ms", {}).get("string_value", ROW_MS)) / 1000

    def execute(self, requests):
        started = time.monotonic()
        texts = [pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy() for request in requests]
        responses = [
            pb_utils.InferenceResponse([pb_utils.Tensor("DIGEST", digests_of(request_texts))]) for request_texts in texts
        ]
        rows = sum(len(request_texts) for request_texts in texts)
        time.sleep(max(0.0, started + self.call_s + self.row_s * rows - time.monotonic()))
        return responses


def digests_of(texts):
    digests = [hashlib.sha256(text).hexdigest().encode() for text in texts.ravel()]
    return np.array(digests, dtype=np.object_).reshape(texts.shape)
