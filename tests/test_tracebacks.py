"""Errors leave transformations with the user's frames alone."""

import traceback
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import Config
from chainrule.errors import PACKAGE, ShapeError
from chainrule.tracebacks import NOTE


def multiply(x):
    return x @ np.ones((3, 2))


def model(x):
    return np.sum(multiply(x))


def fails(x):
    raise KeyError("mine")


def chained(x):
    try:
        fails(x)
    except KeyError as error:
        raise ValueError("outer") from error


def raised_by(f, *args, **kwargs):
    """The error of a call."""
    with pytest.raises(Exception) as info:
        f(*args, **kwargs)
    return info.value


def names(error):
    """The functions of the frames of an error, without this file's two outermost."""
    frames = traceback.extract_tb(error.__traceback__)
    assert not [frame.filename for frame in frames if frame.filename.startswith(PACKAGE)]
    assert not [frame.filename for frame in frames if "numpy" in Path(frame.filename).parts]
    return [frame.name for frame in frames][1:]


X = np.ones((4, 2))
OF_MODEL = {
    "grad": lambda f: cr.grad(f)(X),
    "value_and_grad": lambda f: cr.value_and_grad(f)(X),
    "jit": lambda f: cr.jit(f)(X),
    "jit of grad": lambda f: cr.jit(cr.grad(f))(X),
    "vjp": lambda f: cr.vjp(f, X),
    "jvp": lambda f: cr.jvp(f, (X,), (X,)),
    "vmap": lambda f: cr.vmap(f)(X),
    "hessian": lambda f: cr.hessian(f)(X),
    "jacobian": lambda f: cr.jacobian(f)(X),
    "compile": lambda f: cr.jit(f).compile(X),
    "make_graph": lambda f: cr.make_graph(f)(X),
    "explain": lambda f: cr.explain(f)(X),
    "cond": lambda f: cr.cond(True, f, f, X),
}


@pytest.mark.parametrize("name", OF_MODEL)
def test_frames_of_the_user_alone(name):
    """An error of ours in a function that is transformed, and one of the function's."""
    call = OF_MODEL[name]
    error = raised_by(call, model)
    assert type(error) is ShapeError
    assert names(error) == ["<lambda>", "model", "multiply"]
    assert not hasattr(error, "__notes__")
    error = raised_by(call, fails)
    assert type(error) is KeyError
    assert names(error) == ["<lambda>", "fails"]
    assert not hasattr(error, "__notes__")


def test_loops():
    """Bodies of loops, and a loop inside of other transformations."""

    def body(c, x):
        return c + model(x), None

    def looped(xs):
        return cr.scan(body, 0.0, xs)[0]

    for f in (looped, cr.jit(looped), cr.jit(cr.grad(looped))):
        assert names(raised_by(f, X))[-4:] == ["looped", "body", "model", "multiply"]
    error = raised_by(cr.while_loop, lambda x: True, fails, 1.0)
    assert names(error) == ["fails"]
    error = raised_by(cr.fori_loop, 0, 3, lambda k, x: fails(x), 1.0)
    assert names(error) == ["<lambda>", "fails"]


def test_at_the_border():
    """Where nothing of the user is inside, the traceback ends at the call."""
    assert names(raised_by(cr.grad(np.sin), "text")) == []
    assert names(raised_by(cr.vjp(np.sin, 1.0)[1], np.ones(3))) == []
    error = raised_by(cr.jit(lambda x: x[np.argmax(x) + 5]), np.ones(3))  # in native code
    assert type(error) is IndexError and names(error) == []


def test_errors_that_led_to_another():
    """A cause of the user's stays, without frames of ours; contexts of ours are dropped."""
    error = raised_by(cr.jit(chained), 1.0)
    assert names(error) == ["chained"]
    assert type(error.__cause__) is KeyError
    assert [x.name for x in traceback.extract_tb(error.__cause__.__traceback__)] == [
        "chained", "fails",
    ]  # fmt: skip
    text = "".join(traceback.format_exception(raised_by(cr.grad(model), X)))
    assert "During handling" not in text


def test_full(monkeypatch):
    """``CHAINRULE_TRACEBACK=full`` leaves all frames."""
    with cr.configured(traceback="full"):
        error = raised_by(cr.grad(model), X)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert [name for name in files if name.startswith(PACKAGE)]
    monkeypatch.setenv("CHAINRULE_TRACEBACK", "some")
    with pytest.raises(ValueError, match="CHAINRULE_TRACEBACK='some': give filtered or full"):
        Config()


def test_frames_are_real():
    """A debugger finds the variables of the user's frames, and each frame's caller."""
    step = raised_by(cr.jit(model), X).__traceback__
    while step.tb_next is not None:
        step = step.tb_next
    assert step.tb_frame.f_code is multiply.__code__
    assert "x" in step.tb_frame.f_locals
    assert step.tb_frame.f_back is not None


def test_a_note_on_errors_from_within(monkeypatch):
    """What arises inside of chainrule, and is no error of its, says that frames are left out."""

    fault = {}.__getitem__  # of C: the frame that calls it is the innermost one
    monkeypatch.setattr(
        "chainrule.transforms.differentiating.traced_call.call_user_function", fault
    )
    error = raised_by(cr.grad(model), X)
    assert type(error) is TypeError and error.__notes__ == [NOTE]
    assert names(error) == []


def test_an_interrupt_passes_as_it_is():
    """KeyboardInterrupt is not looked at."""

    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as info:
        cr.jit(interrupted)(1.0)
    files = [frame.filename for frame in traceback.extract_tb(info.value.__traceback__)]
    assert [name for name in files if name.startswith(PACKAGE)]
