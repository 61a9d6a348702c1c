"""What tests of exported models share: run one, and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

TOLERANCE = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def run(model: Any, *inputs: Any) -> list[Any]:
    """All outputs of a model for its inputs in order."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_inputs()]
    return list(session.run(None, dict(zip(names, map(np.asarray, inputs), strict=True))))


def assert_same(expected: Any, found: Any) -> None:
    """Type, shape and numbers, the latter as near as the dtype allows; nan is nan."""
    expected = np.asarray(expected)
    assert (expected.dtype, expected.shape) == (found.dtype, found.shape)
    near = TOLERANCE.get(expected.dtype, 0.0)
    np.testing.assert_allclose(found, expected, rtol=near, atol=near)
