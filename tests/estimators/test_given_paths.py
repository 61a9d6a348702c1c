"""What `save`, `load`, ONNX files and compiled answers are given, where it is none of that."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ShapeError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model():
    made = cr.MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=2, random_state=0)
    return made.fit(np.eye(4), np.arange(4.0))


@pytest.mark.parametrize("path", [None, b"m.safetensors", 3, ["m"]])
@pytest.mark.parametrize("name", ["save", "save_onnx", "load"])
def test_paths_that_are_none(model, name, path):
    """A TypeError that says what to give, before anything is read or written."""
    call = cr.load if name == "load" else getattr(model, name)
    with pytest.raises(TypeError, match=rf"{name}\(.*\): give the path of a file, as text or a"):
        call(path)


def test_a_path_is_no_dtype(model):
    """`to_onnx` makes a model; `save_onnx` writes one."""
    with pytest.raises(TypeError, match=r"dtype='o.onnx'\): give 'float32'.*save_onnx\(path\)"):
        model.to_onnx("o.onnx")


def test_a_list_is_no_row(model):
    """Compiled for an array, and called with a list of numbers: both are shown."""
    answer = model.compile_predict()
    with pytest.raises(ShapeError, match=r"for arguments \(\*\), and called with \(\[\*, \*\]\)"):
        answer([1, 2])
    with pytest.raises(ShapeError, match=r"argument 0 is f64\[3\], and .* compiled for f64\[4\]"):
        answer(np.ones(3))
