"""Language identification with py3langid, computed for all texts of a call at once.

py3langid counts byte n-grams of a text and adds up the log-likelihoods of each language: scores = counts x weights.
Here the counts of all texts are the rows of one matrix, cut to the features that occur, so that there is one product a call.
"""

import pathlib

import numpy as np
import triton_python_backend_utils as pb_utils
from py3langid.langid import MODEL_FILE, LanguageIdentifier


class TritonPythonModel:
    def initialize(self, args):
        self.identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE)
        folder = pathlib.Path(args["model_repository"], args["model_version"])
        labels = (folder / "labels.txt").read_text(encoding="utf-8").split()
        # By label and not by position: another release of py3langid may order its languages differently.
        columns = [self.identifier.nb_classes.index(label) for label in labels]
        self.weights = np.ascontiguousarray(self.identifier.nb_ptc[:, columns])
        self.priors = self.identifier.nb_pc[columns]

    def execute(self, requests):
        texts = [pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy().ravel() for request in requests]
        scores = self.scores_of([text for request_texts in texts for text in request_texts])
        ends = np.cumsum([len(request_texts) for request_texts in texts])
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor("SCORES", rows)]) for rows in np.split(scores, ends[:-1])
        ]

    def scores_of(self, texts):
        # Bytes go in as they are, valid UTF-8 or not. 32 bits: a long text can hold a feature more than 65,535 times.
        counts = np.stack([self.identifier.instance2fv(text, datatype="uint32") for text in texts])
        occurring = counts.any(axis=0)
        likelihoods = counts[:, occurring].astype(np.float32) @ self.weights[occurring] + self.priors
        return softmax(likelihoods)


def softmax(likelihoods):
    # In float64, less the maximum: log-likelihoods of long texts are in the thousands.
    shifted = likelihoods.astype(np.float64) - likelihoods.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
