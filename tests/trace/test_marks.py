"""Code that is compiled anew: methods of plain arrays, types of numbers, functions out of sight."""

from __future__ import annotations

import importlib
import linecache
import math
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import AbstractValueError, GradientError, UnsupportedError
from chainrule.trace.tracing import tracing

X = np.array([0.3, 1.2, -0.7])
MATRIX = np.arange(6.0).reshape(2, 3) - 2.0
TABLE = np.linspace(-1.0, 2.0, 5)


class Model:
    """An object with matrices, whose methods, properties and functions of the class use them."""

    def __init__(self) -> None:
        self.design, self.start = MATRIX, np.array([1.0, 2.0, 3.0])

    @property
    def squares(self) -> Any:
        return self.design.T.dot(self.design)

    def loss(self, x: Any) -> Any:
        state = self.start.copy()
        state[1] = x[0]
        state[2:] *= x[2]
        return self.design.dot(x).dot(self.design.dot(state)) + x.dot(self.squares.dot(x))

    @staticmethod
    def of_table(x: Any) -> Any:
        return TABLE.searchsorted(x[1]) * x[0] + TABLE.clip(x[2], x[1]).sum()


def dots(x: Any) -> Any:
    return MATRIX.dot(x)[0] * MATRIX[1].dot(x)


def closure(x: Any) -> Any:
    def inner(y: Any) -> Any:
        return MATRIX.dot(y)

    return sum(row.dot(x) for row in MATRIX) * inner(x * x).sum()


def rows(x: Any) -> Any:
    out = MATRIX.copy()
    for k in range(2):
        out[k] += MATRIX[k].dot(x) * x
    kept = MATRIX.copy(order="F")
    kept[:, 0] = x[:2]
    return (out * kept).sum()


FORMS: dict[str, Callable[[Any], Any]] = {
    "dot": dots,
    "methods": lambda x: Model().loss(x),
    "bound method": Model().loss,
    "static method": Model.of_table,
    "closure": closure,
    "copies": rows,
    "others' methods": lambda x: {"a": x[0]}.copy()["a"] * [x[1]].copy()[0] * x.copy()[2],
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """Value, both modes, second order and jit; afterwards all functions have their own code."""
    f = FORMS[name]
    codes = [closure.__code__, rows.__code__, Model.loss.__code__, Model.of_table.__code__]
    direction = np.array([0.5, -1.0, 0.25])
    loss = lambda x: f(x) ** 2  # noqa: E731
    np.testing.assert_allclose(cr.value_and_grad(f)(X)[0], f(X), rtol=1e-13)
    slope = along(loss, [X], [direction])
    for transform in (cr.grad, lambda g: cr.jit(cr.grad(g))):
        assert_close(transform(loss)(X) @ direction, slope)
    assert_close(cr.jvp(loss, (X,), (direction,))[1], slope)
    second = lambda x: np.sum(cr.grad(loss)(x) ** 2)  # noqa: E731
    assert_close(cr.grad(second)(X) @ direction, along(second, [X], [direction]), rtol=1e-6)
    after = [closure.__code__, rows.__code__, Model.loss.__code__, Model.of_table.__code__]
    assert all(x is y for x, y in zip(codes, after, strict=True))


def test_effects_happen_once() -> None:
    """A function is compiled anew before it runs, not after it was refused."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return MATRIX.dot(x).sum()

    np.testing.assert_allclose(cr.grad(f)(X), MATRIX.sum(axis=0))
    assert calls == [1]


def test_without_source() -> None:
    """It stays as it is, and the refusal says what to write."""
    code = (lambda x: MATRIX.dot(x)[0]).__code__.replace(co_filename="<nowhere>")
    with pytest.raises(GradientError, match=r"A @ x instead of A\.dot"):
        cr.grad(types.FunctionType(code, globals()))(X)


def test_a_file_that_was_changed_since(tmp_path: Any, monkeypatch: Any) -> None:
    """The code that was loaded is what runs, never that of the file as it is now."""
    text = "import numpy as np\nA = np.eye(2)\n\ndef f(x):\n    return A.dot(x).sum() * 2.0\n"
    path = tmp_path / "edited_meanwhile.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_meanwhile")
    path.write_text(text.replace("2.0", "3.0"))
    linecache.checkcache()
    with pytest.raises(GradientError):
        cr.grad(module.f)(np.ones(2))
    path.write_text(text)
    linecache.checkcache()
    sys.modules.pop("edited_meanwhile")
    again = importlib.import_module("edited_meanwhile")
    assert cr.grad(again.f)(np.ones(2)).tolist() == [2.0, 2.0]
    sys.modules.pop("edited_meanwhile")


def test_plain_calls_stay_plain() -> None:
    """What is not traced is as ever, in a traced function too."""

    def f(x: Any) -> Any:
        product = MATRIX.dot(MATRIX.T)
        counts = np.array([1, 2]).copy()
        assert type(product) is np.ndarray and type(counts) is np.ndarray
        return product[0, 1] * x[0]

    assert cr.grad(f)(X)[0] == MATRIX[0] @ MATRIX[1]


# After a refusal: the function is compiled anew, and the trace starts again

OUT_OF_SIGHT: dict[str, Any] = {"sin": math.sin, "dot": MATRIX.dot, "float": float}


class Functions:
    """Functions of C where no trace looks for them."""

    exp = staticmethod(math.exp)

    def __init__(self) -> None:
        self.log = math.log1p


def by_default(x: Any, function: Any = math.cos) -> Any:
    return function(x[0]) * x[1]


def in_closure(x: Any) -> Any:
    function = math.atan
    return (lambda y: function(y) * y)(x[2])


def fill(out: Any, x: Any) -> None:
    out[0] = x[0] * x[1]
    out[1:] += x[2]


def filled_elsewhere(x: Any) -> Any:
    out, rest = np.array([0.0, 1.0]), np.linspace(0.0, 1.0, 3)
    fill(out, x)
    fill(rest[1:], x)
    return out.prod() * rest.sum()


def in_place(x: Any) -> Any:
    total, table = np.array([1.0, 2.0, 3.0]), 2.0 * np.tile([1.0, 2.0, 3.0], 2)
    total += x
    table[::2] *= x
    square = np.diag([1.0, 2.0, 3.0])
    square[0] -= x
    return np.sum(total**2) + table.prod() + (square @ x).sum()


WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
SEEN: dict[str, Callable[[Any], Any]] = {
    "float": lambda x: float(x[0]) * x[0] + float(x[1]),
    "float of a list's": lambda x: np.sum(np.array([float(v) for v in x]) ** 2),
    "float by map": lambda x: sum(map(float, x)) * x[0],
    "float in a dictionary": lambda x: OUT_OF_SIGHT["float"](x[0]) * x[1],
    "float is a float": lambda x: x[0] * isinstance(float(x[0]), float),
    "float beside a dtype": lambda x: float(x[0]) * np.sum(np.ones(3, dtype=float)),
    "item": lambda x: x[0].item() * x.item(1) + x[None].item(0, 2) + (x[:1] ** 2).item(),
    "tolist": lambda x: sum(v * w for v, w in zip(x.tolist(), [x.tolist()] * 3, strict=True)
                            for w in w),
    "complex": lambda x: abs(complex(x[0], x[1])) + complex(x[2]).real,
    "float64": lambda x: np.float64(x[0]) * np.sum(np.float64(x)) * np.float64([x[1], 2.0])[0],
    "function in a dictionary": lambda x: OUT_OF_SIGHT["sin"](x[0]) * x[1],
    "function in a class": lambda x: Functions.exp(x[0]) + Functions().log(x[1]),
    "function by map": lambda x: sum(map(OUT_OF_SIGHT["sin"], x)),
    "method in a dictionary": lambda x: np.prod(OUT_OF_SIGHT["dot"](x)),
    "default value": by_default,
    "function in a closure": in_closure,
    "array times list": lambda x: np.sum(WEIGHTS * [x[0], x[1], 1.0]),
    "list times array": lambda x: np.sum([x[0], x[1], 1.0] * WEIGHTS),
    "tuple over array": lambda x: np.sum((x[0], 2.0, x[1]) / x),
    "array @ list": lambda x: np.prod(WEIGHTS @ [x[0], x[1], 1.0]),
    "array < list": lambda x: np.sum(np.where(WEIGHTS < [x[0], x[1], 1.0], WEIGHTS, x)),
    "lists stay lists": lambda x: (sum(([x[0]] * 2 + [x[1]])[1:])
                                   * np.sum(WEIGHTS - [x[2], 0.0, 0.0])),
    "ufunc of a list": lambda x: np.sum(np.exp([x[0], 1.0])) + np.hypot([x[1], 2.0], 3.0)[0],
    "ufunc's method of a list": lambda x: np.multiply.reduce([x[0], x[1], 2.0]),
    "text": lambda x: x[0] * float(f"{x[1]:.18f}") * np.float64(f"{x[2] + 0.01:.1f}"),
    "extrema": lambda x: (max(x[0] * x[1], 0.3) * min(max(x[2], 0.0), 10.0)
                          + max([x[0], x[1], 2.5]) * min(x)),
    "quad": lambda x: scipy.integrate.quad(lambda t: float(x[0]) * t, 0.0, float(x[1]))[0],
    "brentq": lambda x: scipy.optimize.brentq(lambda t: t**3 - float(x[1]), -9.0, 9.0),
    "written": in_place,
    "written elsewhere": filled_elsewhere,
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_seen(name: str) -> None:
    """What asks for plain numbers gets traced ones: value, both modes, second order, jit.

    Inside and outside of the derivative, by turns.
    """
    f = SEEN[name]
    loss = lambda x: f(x) ** 2  # noqa: E731
    direction = np.array([0.5, -1.0, 0.25])
    x = np.array([0.3, 1.2, 0.7])
    np.testing.assert_allclose(cr.value_and_grad(f)(x)[0], f(x), rtol=1e-13)
    slope = along(loss, [x], [direction])
    compiled = (lambda g: cr.jit(cr.grad(g)), lambda g: cr.grad(cr.jit(g)))
    chosen = compiled[[*SEEN].index(name) % 2]
    for transform in (cr.grad, *((chosen,) if name != "text" else ())):
        assert_close(transform(loss)(x) @ direction, slope)
    assert_close(cr.jvp(loss, (x,), (direction,))[1], slope)
    second = lambda x: np.sum(cr.grad(loss)(x) ** 2)  # noqa: E731
    assert_close(cr.grad(second)(x) @ direction, along(second, [x], [direction]), rtol=1e-6)


def test_numbers_convert_as_plain_ones_do() -> None:
    """Python's and NumPy's errors, dtypes and kinds."""

    def f(x: Any) -> Any:
        kinds = (
            np.float32(x[0]).dtype == np.float32, np.float64(x).shape == (3,),
            isinstance(x[0].item(), float), isinstance(x.tolist(), list),
            (x.astype(np.float32)[0] * float(x[1])).dtype == np.float32,
        )  # fmt: skip
        for wrong in (lambda: float(x), lambda: x.item(), lambda: float(x[0] + 1j)):
            with pytest.raises((TypeError, ValueError, np.exceptions.ComplexWarning)):
                wrong()
        with pytest.raises(IndexError):
            x.item(3)
        return float(x[0]) * all(kinds)

    assert cr.grad(f)(X).tolist() == cr.jit(cr.grad(f))(X).tolist() == [1.0, 0.0, 0.0]


def test_known_numbers_without_derivative_are_plain() -> None:
    """So that they serve where only plain ones do."""
    types_seen = []

    def f(x: Any) -> Any:
        stopped = cr.stop_gradient(x)
        types_seen.extend(map(type, (float(stopped[0]), stopped[1].item(), *stopped.tolist())))
        return x[0] * float(stopped[0])

    cr.grad(f)(X)
    assert set(types_seen) == {float}


def test_a_trace_that_starts_again() -> None:
    """Only the first one does, and what it wrote into its arguments is as it was."""
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        x[0] *= 2.0
        return OUT_OF_SIGHT["sin"](x[0])

    for count in (2, 3):
        np.testing.assert_allclose(cr.grad(f)(np.ones(1)), [2.0 * np.cos(2.0)])
        assert len(calls) == count


def test_an_array_from_outside_is_not_written() -> None:
    """Its writes would stay after the trace."""
    table = np.zeros(2)
    with pytest.raises(GradientError, match="before out"):
        cr.grad(lambda x: (fill(table, x), table.sum())[1])(X)
    assert not table.any()


def test_what_numpy_looks_for_is_not_there() -> None:
    """An object that hands all attributes of an array on is read as that array."""

    class Proxy:
        def __init__(self, array: Any) -> None:
            self.array = array

        def __getattr__(self, name: str) -> Any:
            return getattr(self.array, name)

    def f(x: Any) -> Any:
        ones = np.empty(3)
        ones[:] = 1.0
        return x * np.sum(np.square(Proxy(ones)))

    assert cr.grad(f)(2.0) == 3.0


def test_text_with_a_few_digits() -> None:
    """It may be the traced number or another one: refused. What was rounded has no derivative."""
    with pytest.raises(GradientError, match="became this text"):
        cr.grad(lambda x: float(f"{x:.1f}") * x)(2.0)
    assert cr.grad(lambda x: float(f"{x:.1f}") * x)(2.04) == 2.0
    assert cr.grad(lambda x: (f"{x:.3f}", float("2.5"))[1] * x)(2.0) == 2.5
    assert not tracing.formatted


def test_extrema_are_pythons() -> None:
    """Of equal numbers the first one, of nan what the comparison says; a key is not supported."""
    for function in (max, min):
        for values in ([1.0, 1.0], [np.nan, 1.0], [1.0, np.nan], [2.0, 1.0], [1.0, 2.0]):
            f = lambda x, function=function: function(x[0], x[1])  # noqa: E731
            assert_close(cr.jit(cr.grad(f))(np.array(values)), cr.grad(f)(np.array(values)))
            np.testing.assert_array_equal(cr.jit(f)(np.array(values)), function(*values))
    with pytest.raises(AbstractValueError, match="a truth value"):
        cr.jit(lambda x: max(x[0], x[1], key=lambda v: -v), strict=True)(X)


def test_scikit_learns_processes() -> None:
    """A library that is not searched for names: refused once, and seen then."""
    process = pytest.importorskip("sklearn.gaussian_process")
    parts = process.kernels
    x = np.linspace(0.0, 1.0, 5)[:, None]
    kernel = parts.ConstantKernel(1.3) * parts.RBF(0.3) + parts.WhiteKernel(0.1)
    model = process.GaussianProcessRegressor(kernel, optimizer=None).fit(x, np.sin(4.0 * x[:, 0]))
    theta = model.kernel_.theta
    slope = model.log_marginal_likelihood(theta, eval_gradient=True)[1]
    for transform in (cr.grad, lambda f: cr.jit(cr.grad(f))):
        np.testing.assert_allclose(transform(model.log_marginal_likelihood)(theta), slope, 1e-9)


def test_what_arithmetic_gives_is_written() -> None:
    """Of plain arrays, in a function that writes into it with traced numbers."""

    def f(x: Any) -> Any:
        quotient, product = WEIGHTS / 2.0, np.dot(WEIGHTS, WEIGHTS.T)
        quotient[:1, :1] += x[0] * np.ones((1, 1))
        product[0] = x[:2]
        return np.sum(quotient**2) * np.sum(product)

    for transform in (cr.grad, lambda g: cr.jit(cr.grad(g))):
        assert_close(transform(f)(X) @ X, along(f, [X], [X]))


def test_the_method_of_the_protocol() -> None:
    """`x.__array__()` by name is the array."""
    f = lambda x: np.sum(x.__array__() ** 2)  # noqa: E731
    assert cr.grad(f)(X).tolist() == (2.0 * X).tolist()


def test_compiled_code_that_needs_memory() -> None:
    """Cython's own message names no line and no way out."""

    def compiled(x: Any) -> Any:
        raise TypeError(f"a bytes-like object is required, not {type(x).__name__!r}")

    with pytest.raises(UnsupportedError, match=r"test_marks\.py:\d+: compiled code asked"):
        cr.grad(lambda x: compiled(x[1:]))(X)


def test_whole_numbers_that_are_not_rounded() -> None:
    """`int(x)` has no slope where it cuts something off; beyond, it is the number."""
    assert cr.grad(lambda x: x * int(x))(2.5) == 2.0
    with pytest.raises(GradientError, match="no digits after its point"):
        cr.grad(lambda x: x * (int(x * 2.0**53) / 2**53))(1.5)


def test_code_of_a_text_and_numbers_of_texts() -> None:
    """What has no source is refused as ever; Python's own forms of the types stay."""
    code = compile("float(abs(x)) * 2.0", "<text>", "eval")
    with pytest.raises(GradientError, match="interactive line"):
        cr.grad(lambda x: eval(code, {"x": x}))(3.0)
    plain = lambda x: x * complex("2j").imag * float("3") * complex(real=1.0).real  # noqa: E731
    assert cr.grad(plain)(1.5) == 6.0
