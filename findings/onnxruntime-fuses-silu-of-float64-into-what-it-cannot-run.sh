#!/usr/bin/env bash
# onnxruntime 1.20.0: a model that it can run fails to load once its optimiser has been over it.
#
# x * sigmoid(x) in float64 is two standard operators, Sigmoid and Mul, and the CPU provider has both
# for doubles: with graph optimisations switched off the model runs. One expects that optimisation
# changes the speed of a valid model and nothing else. By default, however, the two nodes are fused
# into com.microsoft.QuickGelu, which has no kernel for doubles, and creating the session raises
# NOT_IMPLEMENTED. The same model in float32 runs either way. Whoever exports float64 networks with
# SiLU (swish) meets it; onnxruntime 1.32.0 runs them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.20.0 onnx==1.17.0 numpy==2.2.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

LEVELS = {
    "optimised": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "as it is": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


def run(kind, dtype, level):
    nodes = [helper.make_node("Sigmoid", ["x"], ["s"]), helper.make_node("Mul", ["x", "s"], ["y"])]
    x, y = (helper.make_tensor_value_info(name, kind, [3]) for name in "xy")
    model = helper.make_model(
        helper.make_graph(nodes, "silu", [x], [y]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = level, 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (result,) = session.run(None, {"x": np.ones(3, dtype)})
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    assert np.allclose(result, 1 / (1 + np.exp(-1.0)))
    return "runs"


seen = {}
for kind, dtype in ((TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64)):
    for name, level in LEVELS.items():
        seen[dtype.__name__, name] = run(kind, dtype, level)
        print(f"{dtype.__name__}, {name}: {seen[dtype.__name__, name]}")
failed = seen.pop(("float64", "optimised"))
assert failed.startswith("NotImplemented") and "QuickGelu" in failed
assert set(seen.values()) == {"runs"}
PYTHON
