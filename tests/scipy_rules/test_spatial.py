"""`scipy.spatial` on traced arrays: distances, rotations, neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from same_as_scipy import Case, case, check_compiled, check_derivatives, check_values
from scipy.spatial import KDTree, distance, distance_matrix, minkowski_distance
from scipy.spatial.transform import Rotation, Slerp

import chainrule as cr
from chainrule.errors import UnsupportedError

RNG = np.random.default_rng(0)
U, V, W = RNG.random(5) + 0.1, RNG.random(5) + 0.1, RNG.random(5)
X, Y = RNG.random((4, 5)) + 0.1, RNG.random((3, 5)) + 0.1
SPREAD = RNG.normal(size=(5, 5))
INVERSE = SPREAD @ SPREAD.T

METRICS: list[tuple[str, dict[str, Any]]] = [
    *[(name, {}) for name in ("braycurtis", "canberra", "chebyshev", "cityblock", "correlation",
                              "cosine", "euclidean", "sqeuclidean", "minkowski")],
    *[(name, {"w": W}) for name in ("braycurtis", "canberra", "chebyshev", "cityblock",
                                    "correlation", "cosine", "euclidean", "minkowski")],
    ("minkowski", {"p": 3.5}), ("minkowski", {"p": 0.5, "w": W}), ("minkowski", {"p": 1}),
    ("minkowski", {"p": np.inf}), ("mahalanobis", {"VI": INVERSE}), ("seuclidean", {"V": W + 0.5}),
    ("correlation", {"centered": False}), ("jensenshannon", {"base": 2.0}), ("jensenshannon", {}),
]  # fmt: skip
DISTANCES = {
    f"{name} {' '.join(options)} {k}": case(
        lambda u, v, name=name, options=options: getattr(distance, name)(u, v, **options), U, V
    )
    for k, (name, options) in enumerate(METRICS)
}
TABLES = {
    name: case(lambda x, y, name=name: distance.cdist(x, y, name), X, Y)
    for name in ("braycurtis", "canberra", "chebyshev", "cityblock", "correlation", "cosine",
                 "euclidean", "sqeuclidean", "jensenshannon", "seuclidean", "pnorm")
}  # fmt: skip
TABLES |= {
    "pdist": case(lambda x: distance.pdist(x), X),
    "pdist minkowski": case(lambda x: distance.pdist(x, "minkowski", p=3), X),
    "pdist of a function": case(lambda x: distance.pdist(x, lambda u, v: (u - v) @ (u - v)), X),
    "cdist of a metric": case(lambda x: distance.cdist(x, Y, distance.cosine), X),
    "cdist with weights": case(lambda x, w: distance.cdist(x, Y, "sqeuclidean", w=w), X, W),
    "cdist mahalanobis": case(lambda x: distance.cdist(x, Y, "mahalanobis", VI=INVERSE), X),
    "hamming": case(lambda x: distance.cdist(x, Y, "hamming"), X, order=0),
    "jaccard": case(lambda x: distance.cdist(x, Y, "jaccard"), X, order=0),
    "to matrix": case(lambda v: distance.squareform(v), RNG.random(6)),
    "to vector": case(
        lambda m: distance.squareform(m, checks=False), distance.squareform(RNG.random(6))
    ),
    "distance_matrix": case(lambda x: distance_matrix(x, Y, 3), X),
    "minkowski_distance": case(lambda x: minkowski_distance(x, Y[0], 1), X),
    "float32": case(lambda x: distance.cdist(x, Y), X.astype(np.float32), order=0, rtol=1e-6),
    "neighbours": case(lambda x: KDTree(Y).query(x)[0], X, abstract=False),
    "two neighbours": case(lambda x: KDTree(Y).query(x, 2, p=1)[0], X, abstract=False),
    "near neighbours": case(
        lambda x: KDTree(Y).query(x, 2, distance_upper_bound=0.7)[0], X, order=0, abstract=False
    ),
}


@pytest.mark.parametrize("name", [*DISTANCES, *TABLES])
def test_distances(name: str) -> None:
    """SciPy's distances."""
    check_values({**DISTANCES, **TABLES}[name])


@pytest.mark.parametrize("name", sorted({name for name, _ in METRICS}))
def test_distance_of_a_vector_to_itself(name: str) -> None:
    """At distance 0 the slope is amid the slopes around: 0, and no nan."""
    options = {"mahalanobis": {"VI": INVERSE}, "seuclidean": {"V": W}}.get(name, {})

    def f(u: Any) -> Any:
        return getattr(distance, name)(u, V, **options)

    np.testing.assert_allclose(cr.grad(f)(V), 0.0, atol=1e-7)
    by_table = cr.grad(lambda x: np.sum(distance.pdist(x, name)))
    if name not in ("mahalanobis", "seuclidean"):
        np.testing.assert_allclose(by_table(np.stack([V, V])), 0.0, atol=1e-7)


def test_an_empty_share_leaves_the_other_slopes_finite() -> None:
    """The slope of Jensen and Shannon's distance by a share of 0 is infinite, no other one is."""
    slope = cr.grad(lambda p: distance.jensenshannon(p, V))(np.array([0.0, 1.0, 2.0, 3.0, 4.0]))
    assert slope[0] == -np.inf
    assert np.isfinite(slope[1:]).all()


def test_wrong_distances() -> None:
    """SciPy's errors for wrong shapes and names; truth values and out= are refused."""
    with pytest.raises(ValueError, match="1-D"):
        cr.grad(lambda x: distance.euclidean(x, V))(X)
    with pytest.raises(ValueError, match="Unknown Distance Metric"):
        cr.grad(lambda x: np.sum(distance.cdist(x, Y, "far")))(X)
    with pytest.raises(ValueError, match="columns"):
        cr.grad(lambda x: np.sum(distance.cdist(x, Y[:, :2])))(X)
    with pytest.raises(TypeError):
        cr.grad(lambda x: np.sum(distance.cdist(x, Y, "cosine", p=3)))(X)
    with pytest.raises(ValueError, match="symmetric"):
        cr.grad(lambda x: np.sum(distance.squareform(x)))(RNG.random((3, 3)))
    for refused in (
        lambda x: np.sum(distance.cdist(x, Y, "yule")),
        lambda x: distance.dice(x[0], Y[0]),
        lambda x: np.sum(distance.cdist(x, Y, out=np.zeros((4, 3)))),
        lambda x: np.sum(KDTree(x).query(Y)[0]),
    ):
        with pytest.raises(UnsupportedError):
            cr.grad(refused)(X)


# Rotations

Q = RNG.normal(size=4)
QS = RNG.normal(size=(3, 4))
R = RNG.normal(size=3)
PLAIN = Rotation.random(4, rng=0)
TIMES = np.array([0.0, 1.0, 2.5, 4.0])
ROTATIONS: dict[str, Case] = {}
for _shape, _q in {"single": Q, "three": QS, "grid": RNG.normal(size=(2, 1, 4))}.items():
    for _name in ("as_quat", "as_matrix", "as_rotvec", "as_mrp", "magnitude"):
        ROTATIONS[f"{_name} {_shape}"] = case(
            lambda q, name=_name: getattr(Rotation.from_quat(q), name)(), _q
        )
for _seq in ("xyz", "ZYX", "ZXZ", "xyx"):
    ROTATIONS[f"as_euler {_seq}"] = case(lambda q, s=_seq: Rotation.from_quat(q).as_euler(s), QS)
for _k, _r in enumerate((R, np.zeros(3), np.array([1e-4, 2e-4, 0.0]), np.array([6e-4, 8e-4, 0]))):
    ROTATIONS[f"rotvec {_k}"] = case(
        lambda r: (Rotation.from_rotvec(r).as_matrix(), Rotation.from_rotvec(r).as_rotvec()), _r
    )
ROTATIONS |= {
    "degrees": case(lambda r: Rotation.from_rotvec(r, degrees=True).as_rotvec(degrees=True), R),
    "mrp": case(lambda r: Rotation.from_mrp(r).as_matrix(), R),
    "euler z": case(lambda a: Rotation.from_euler("z", a).as_quat(), 0.3),
    "euler zs": case(lambda a: Rotation.from_euler("z", a).as_quat(), np.array([[0.1], [0.2]])),
    "euler xz": case(lambda a: Rotation.from_euler("xz", a, degrees=True).as_matrix(), QS[:, :2]),
    "euler ZYX": case(lambda a: Rotation.from_euler("ZYX", a).as_matrix(), R),
    "euler of a list": case(lambda a, b: Rotation.from_euler("xy", [a, b]).as_matrix(), 0.1, 0.2),
    "scalar first": case(
        lambda q: Rotation.from_quat(q, scalar_first=True).as_quat(True, scalar_first=True), QS
    ),
    "matrix": case(lambda m: Rotation.from_matrix(m).as_quat(), PLAIN.as_matrix()),
    "matrix near pi": case(
        lambda m: Rotation.from_matrix(m).as_quat(),
        Rotation.from_rotvec((np.pi - 0.1) * np.eye(3)).as_matrix(),
    ),
    "matrix that is none": case(
        lambda m: Rotation.from_matrix(m).as_quat(), PLAIN.as_matrix()[0] + 0.1 * SPREAD[:3, :3]
    ),
    "apply": case(lambda q, v: Rotation.from_quat(q).apply(v, inverse=True), QS, R),
    "apply to many": case(lambda q, v: Rotation.from_quat(q).apply(v), Q, QS[:, :3]),
    "plain apply": case(lambda v: PLAIN.apply(v), QS[0, :3]),
    "product": case(lambda q: (PLAIN * Rotation.from_quat(q)).as_matrix(), Q),
    "inverse": case(lambda q: (Rotation.from_quat(q).inv() * PLAIN[0]).as_quat(), QS),
    "power": case(lambda q, n: (Rotation.from_quat(q) ** n).as_matrix(), Q, 0.7),
    "plain power": case(lambda q: (Rotation.from_quat(q) ** -1).as_matrix(), Q),
    "concatenate": case(
        lambda q: Rotation.concatenate([PLAIN, Rotation.from_quat(q)]).as_matrix(), Q
    ),
    "index": case(lambda q: Rotation.from_quat(q)[1:].as_matrix(), QS),
    "iteration": case(lambda q: np.stack([r.as_rotvec() for r in Rotation.from_quat(q)]), QS),
    "slerp": case(lambda t: Slerp(TIMES, PLAIN)(t).as_matrix(), np.array([0.3, 3.9])),
    "slerp at the ends": case(lambda t: Slerp(TIMES, PLAIN)(t).as_matrix(), TIMES, order=0),
    "slerp of traced": case(
        lambda q, t: Slerp(t, Rotation.from_quat(q))(1.7).as_matrix(), PLAIN.as_quat(), TIMES
    ),
    "gimbal lock": case(
        lambda a: Rotation.from_euler("zyx", a).as_euler("zyx", suppress_warnings=True),
        np.array([0.1, np.pi / 2, 0.4]), order=0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROTATIONS)
def test_rotations(name: str) -> None:
    """SciPy's numbers."""
    check_values(ROTATIONS[name])


ALL = {**DISTANCES, **TABLES, **ROTATIONS}
OFTEN = {name for k, name in enumerate(ALL) if k % 4 == 0} | {"rotvec 1", "rotvec 2"}


@pytest.mark.parametrize("name", sorted(OFTEN))
def test_slopes(name: str) -> None:
    """Derivatives to second order, also at the identity, where formulas are 0 / 0."""
    check_derivatives(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(ALL) - OFTEN)[::2])
def test_more_slopes(name: str) -> None:
    """The same for half of the rest of the tables."""
    check_derivatives(ALL[name])


@pytest.mark.parametrize("name", ["as_rotvec three", "matrix that is none", "slerp of traced"])
def test_compiled_rotations(name: str) -> None:
    """Compiled rotations are the eager ones."""
    check_compiled(ROTATIONS[name])


@pytest.mark.parametrize("name", ["mahalanobis VI 21", "two neighbours"])
def test_compiled_distances(name: str) -> None:
    """Compiled distances are the eager ones."""
    check_compiled({**DISTANCES, **TABLES}[name])


def test_traced_rotations_are_rotations() -> None:
    """`isinstance`, `len`, `single` and `approx_equal` are as ever; plain ones stay plain."""

    def f(q: Any) -> Any:
        r = Rotation.from_quat(q)
        assert isinstance(r, Rotation)
        assert (len(r), r.single, r.shape) == (3, False, (3,))
        assert r[0].single
        assert r.approx_equal(r).all()
        return np.sum(r.as_matrix() ** 3)

    before = PLAIN.as_quat().copy()
    cr.grad(f)(QS)
    assert type(PLAIN.as_quat()) is np.ndarray
    np.testing.assert_array_equal(PLAIN.as_quat(), before)


def test_wrong_rotations() -> None:
    """SciPy's errors for wrong shapes and zeros; what has no rule is refused."""
    for wrong in (
        lambda q: Rotation.from_quat(q[:3]).as_matrix(),
        lambda q: Rotation.from_quat(q * 0.0).as_matrix(),
        lambda q: Rotation.from_euler("xx", q[:2]).as_matrix(),
        lambda q: Rotation.from_euler("xyz", q[:2]).as_matrix(),
        lambda q: Rotation.from_matrix(-np.eye(3) * abs(q[0])).as_matrix(),
        lambda q: Slerp(TIMES, PLAIN)(q).as_matrix(),
    ):
        with pytest.raises(ValueError):
            cr.vjp(wrong, Q)
    for refused in (
        lambda q: Rotation.from_quat(q).mean().as_quat(),
        lambda q: Rotation.align_vectors(q[:, :3], QS[:, :3])[0].as_quat(),
        lambda q: Rotation.from_davenport(np.eye(3), "e", q[0, :3]).as_quat(),
    ):
        with pytest.raises(UnsupportedError):
            cr.vjp(refused, QS)


def test_compiled_code_gives_nan_where_scipy_raises() -> None:
    """Compiled code cannot raise SciPy's errors for wrong numbers: nan says it."""
    crooked = np.array([[0.0, 1.0], [2.0, 0.0]])
    assert np.isnan(cr.jit(lambda x: distance.squareform(x))(crooked)).all()
    assert np.isnan(cr.jit(lambda m: Rotation.from_matrix(m).as_quat())(-np.eye(3))).all()
    assert np.isnan(cr.jit(lambda w: distance.cityblock(U, V, w))(-W))
    late = cr.jit(lambda t: Slerp(t, PLAIN)(1.0).as_quat())
    assert np.isnan(late(TIMES[::-1].copy())).all()
    assert np.isfinite(late(TIMES)).all()
