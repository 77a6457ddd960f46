"""Echoes texts, and refuses the whole call because of one row, as real models do with data that they cannot take."""

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        texts = pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy()
        if any(b"poison" in text for text in texts.ravel()):
            return refusal("a text of this batch is poison", pb_utils.TritonError.INTERNAL)
        if any(b"invalid" in text for text in texts.ravel()):
            return refusal("a text of this batch is invalid", pb_utils.TritonError.INVALID_ARG)
        return pb_utils.InferenceResponse([pb_utils.Tensor("ECHO", texts)])


def refusal(reason, code):
    return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(reason, code))
