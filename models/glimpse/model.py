"""Answers three numbers of each row, so that what is measured with it is the way of the tensor and not the model."""

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT", glimpse_of(batch))])
            for batch in (pb_utils.get_input_tensor_by_name(request, "INPUT").as_numpy() for request in requests)
        ]


def glimpse_of(batch):
    rows = batch.reshape(len(batch), -1)
    return np.ascontiguousarray(rows[:, [0, rows.shape[1] // 2, rows.shape[1] - 1]])
