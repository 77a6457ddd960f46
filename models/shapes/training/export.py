"""The trained network as an ONNX graph: IMAGE [rows, 3, 64, 64] -> MAIN (softmax) and PRESENT (sigmoid)."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import BLOCKS, SIDE, folded

# Old enough for every onnxruntime of the last years.
OPSET, IR_VERSION = 13, 8


def to_onnx(trained, running):
    graph = Graph()
    maps = "IMAGE"
    for number, ((kernel, bias), (_, _, stride)) in enumerate(zip(folded(trained, running), BLOCKS)):
        # ONNX kernels are output channel, input channel, row, column.
        weights = [
            graph.constant(f"kernel{number}", np.transpose(kernel, (3, 2, 0, 1))),
            graph.constant(f"shift{number}", bias),
        ]
        convolved = graph.add("Conv", [maps, *weights], pads=[1, 1, 1, 1], strides=[stride, stride])
        maps = graph.add("Relu", [convolved])
    pooled = graph.add("Concat", [graph.add("GlobalMaxPool", [maps]), graph.add("GlobalAveragePool", [maps])], axis=1)
    hidden = graph.add("Relu", [graph.dense("hidden", graph.add("Flatten", [pooled]), trained["hidden"])])
    graph.add("Softmax", [graph.dense("main", hidden, trained["main"])], output="MAIN", axis=1)
    graph.add("Sigmoid", [graph.dense("present", hidden, trained["present"])], output="PRESENT")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "shapes",
            [helper.make_tensor_value_info("IMAGE", TensorProto.FLOAT, ["rows", 3, SIDE, SIDE])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", len(trained[head]["bias"])])
                for name, head in (("MAIN", "main"), ("PRESENT", "present"))
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def add(self, operator, inputs, output=None, **attributes):
        output = output or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def dense(self, name, value, parameters):
        weights = self.constant(f"{name}_weights", parameters["weights"])
        return self.add("Gemm", [value, weights, self.constant(f"{name}_bias", parameters["bias"])])
