"""What a type checker knows of transformed functions: mypy reads this file, nobody runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule import losses, nn, optim
from chainrule.graph.graph import Graph
from chainrule.transforms.compiling.compiled import CompiledFunction
from chainrule.transforms.compiling.jit import JitFunction
from chainrule.typing import Array

Floats = NDArray[np.float64]
w: Floats = np.ones(3)


def loss(w: Floats, x: Floats, scale: float = 1.0) -> np.float64:
    return np.float64(np.sum(w * x) * scale)


def loss_and_aux(w: Floats, x: Floats) -> tuple[np.float64, str]:
    return np.float64(np.sum(w * x)), "aux"


# grad and value_and_grad: the gradient has the type of the argument

assert_type(cr.grad(loss)(w, w), Floats)
assert_type(cr.grad(loss)(w, x=w, scale=2.0), Floats)
assert_type(cr.grad(cr.grad(lambda x: x**3))(1.0), Any)
assert_type(cr.grad(loss, argnums=(0, 1))(w, w), tuple[Any, ...])
assert_type(cr.grad(loss, argnums=1)(w, w), Any)
assert_type(cr.grad(loss_and_aux, has_aux=True)(w, w), tuple[Floats, str])
assert_type(cr.value_and_grad(loss)(w, w), tuple[np.float64, Floats])
assert_type(
    cr.value_and_grad(loss_and_aux, has_aux=True)(w, w), tuple[tuple[np.float64, str], Floats]
)
cr.grad(loss)(w)  # type: ignore[call-arg]
cr.grad(loss)(w, "x")  # type: ignore[arg-type]
cr.grad(loss)(w, w, scales=2.0)  # type: ignore[call-arg]

# jit: as a call, as a decorator, as a decorator with arguments, on methods

fast = cr.jit(cr.grad(loss))
assert_type(fast(w, w), Floats)
fast(w)  # type: ignore[call-arg]
fast(w, "x")  # type: ignore[arg-type]
assert_type(fast.compile(w, w)(w, w), Floats)
assert_type(fast.graph(w, w), Graph)
fast.compile(w)  # type: ignore[call-arg]


@cr.jit
def step(w: Floats, rate: float) -> Floats:
    return w - rate * w


@cr.jit(static_argnums=1)
def power(w: Floats, exponent: int) -> Floats:
    return w**exponent


def scaled(w: Floats) -> Floats:
    return 2.0 * w


assert_type(step(w, rate=0.1), Floats)
assert_type(power(w, 2), Floats)
step(w, rate="fast")  # type: ignore[arg-type]
power(w, 2.5)  # type: ignore[arg-type]
whole: JitFunction[[Floats], Floats] = cr.jit(scaled)
compiled: CompiledFunction[[Floats], Floats] = whole.compile(w)


class Model:
    @cr.jit
    def predict(self, x: Floats) -> Floats:
        return x


assert_type(Model().predict(w), Floats)
Model().predict()  # type: ignore[call-arg]

# vjp, jvp, make_graph, check_grads

y, pullback = cr.vjp(loss, w, w)
assert_type(y, np.float64)
assert_type(pullback(1.0)[0], Floats)
assert_type(cr.jvp(loss, (w, w), (w, w)), tuple[np.float64, np.float64])
assert_type(cr.make_graph(loss)(w, w), Graph)
cr.vjp(loss, w, "x")  # type: ignore[arg-type]
cr.make_graph(loss)(w)  # type: ignore[call-arg]
cr.check_grads(loss, (w, w))

# Loops and branches keep the type of what they carry


def double(i: Any, x: Floats) -> Floats:
    return x * 2.0


def running(total: float, x: Any) -> tuple[float, Any]:
    return total + x, total


condition: Callable[[float], bool] = lambda x: x < 100.0  # noqa: E731
assert_type(cr.fori_loop(0, 3, double, w), Floats)
assert_type(cr.scan(running, 0.0, w)[0], float)
assert_type(cr.while_loop(condition, lambda x: x * 2.0, 1.0), float)
assert_type(cr.cond(True, scaled, scaled, w), Floats)
assert_type(cr.stop_gradient(w), Floats)
cr.cond(True, scaled, scaled, "x")  # type: ignore[arg-type]
cr.fori_loop(0, 3, double, "x")  # type: ignore[arg-type]

# Layers, losses and optimizers: arrays are arrays, parameters and models stay what they are

layer = nn.Dense(3, 2, key=cr.random.key(0))
assert_type(layer(w), Array)
layer(w).tolists()  # type: ignore[union-attr]
assert_type(losses.squared_error(layer(w), w), Array)
assert_type(optim.apply_updates({"w": w}, {"w": w}), dict[str, Floats])
assert_type(nn.with_batch_stats(layer, layer), nn.Dense)
