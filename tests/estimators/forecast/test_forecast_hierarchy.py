"""Hierarchies: sums against recursion, and reconciled forecasts against the papers' formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.estimators.forecast.hierarchy.reconciliation import (
    METHODS,
    reconcile,
    shrunk_covariance,
)
from chainrule.estimators.forecast.hierarchy.summing import Hierarchy

LINEAR = [method for method in METHODS if method != "bottom_up"]


@st.composite
def trees(draw: Any) -> dict[str, list[str]]:
    """A mapping of one to four levels; parents in any order."""
    children: dict[str, list[str]] = {}
    level, number = ["n0"], 1
    for _ in range(draw(st.integers(1, 3))):
        below = []
        for parent in level:
            if parent != level[0] and draw(st.booleans()):
                continue
            children[parent] = [f"n{number + k}" for k in range(draw(st.integers(1, 3)))]
            number += len(children[parent])
            below += children[parent]
        level = below
    return dict(draw(st.permutations(list(children.items()))))


def value_of(name: str, children: dict[str, list[str]], leaves: dict[str, float]) -> float:
    if name not in children:
        return leaves[name]
    return sum(value_of(child, children, leaves) for child in children[name])


@given(trees(), st.integers(0, 99))
def test_the_summing_matrix_adds_up_the_leaves(children: dict[str, list[str]], seed: int) -> None:
    """Times any leaves it is the recursive sum of each series; its last rows are an identity."""
    hierarchy = Hierarchy.of(children)
    draw = np.random.default_rng(seed).normal(size=len(hierarchy.leaves))
    leaves = dict(zip(hierarchy.leaves, draw.tolist(), strict=True))
    expected = [value_of(name, children, leaves) for name in hierarchy.ids]
    assert expected == pytest.approx((hierarchy.summing_matrix @ draw).tolist())
    assert hierarchy.leaves == hierarchy.ids[-len(draw) :]
    assert set(hierarchy.ids) == {*children, *(c for below in children.values() for c in below)}
    values = hierarchy.aligned(list(leaves), draw[:, None])
    assert expected == pytest.approx(values[:, 0].tolist())


def test_grouped_series_are_allowed_and_double_counts_are_not() -> None:
    """A shop may be in a region and in a chain, but not twice in the total."""
    regions = {"north": ["n1", "n2"], "south": ["s1", "s2"]}
    chains = {"one": ["n1", "s1"], "two": ["n2", "s2"]}
    hierarchy = Hierarchy.of({"total": ["north", "south"], **regions, **chains})
    rows = dict(zip(hierarchy.ids, hierarchy.summing_matrix.tolist(), strict=True))
    assert ([1, 1, 1, 1], [1, 0, 1, 0]) == (rows["total"], rows["one"])
    with pytest.raises(DataError, match="'n1' is 2 times in 'total'"):
        Hierarchy.of({"total": ["north", "south", "one", "two"], **regions, **chains})
    with pytest.raises(DataError, match="'a' is 2 times in 't'"):
        Hierarchy.of({"t": ["a", "a"]})


def test_what_is_no_hierarchy_is_refused() -> None:
    """A circle is written out; a text instead of a list, no child and no parent are named."""
    with pytest.raises(DataError, match="below itself: 'b' > 'c' > 'b'"):
        Hierarchy.of({"a": ["b"], "b": ["c", "x"], "c": ["b"]})
    with pytest.raises(DataError, match="'a' > 'a'"):
        Hierarchy.of({"a": ["a"]})
    with pytest.raises(DataError, match="'a' has a list of children, not 'b1'"):
        Hierarchy.of({"a": "b1"})  # type: ignore[dict-item]
    with pytest.raises(DataError, match="'a' has a list of children, not \\[\\]"):
        Hierarchy.of({"a": []})
    with pytest.raises(DataError, match="no parent"):
        Hierarchy.of({})
    deep = {k: [k + 1] for k in range(5000)}
    assert (5000,) == Hierarchy.of(deep).leaves


def test_histories_are_put_in_order_and_checked() -> None:
    """Absent parents are sums; those in the data must be, and the worst is named."""
    hierarchy = Hierarchy.of({"total": ["a", "b"], "b": ["b1", "b2"]})
    ids = ["b2", "total", "a", "b1"]
    values = np.array([[1.0, 2.0], [6.0, 9.0], [3.0, 3.0], [2.0, 4.0]])
    expected = [[6.0, 9.0], [3.0, 6.0], [3.0, 3.0], [2.0, 4.0], [1.0, 2.0]]
    assert expected == hierarchy.aligned(ids, values).tolist()
    values[1] = 6.001, 9.1
    with pytest.raises(DataError, match=r"'total' .* in row 1 it is 9\.1, and they add up to 9;"):
        hierarchy.aligned(ids, values)
    values[1] = 6.0, 9.000001
    assert 9.000001 == hierarchy.aligned(ids, values)[0, 1]
    with pytest.raises(DataError, match="'a', 'b1' are not in the data"):
        hierarchy.aligned(["b2", "total"], values[:2])
    with pytest.raises(DataError, match="'z' is of the data not in it"):
        hierarchy.aligned([*ids, "z"], np.ones((5, 2)))
    with pytest.raises(ValueError, match="a row for each of 2 unique ids"):
        hierarchy.aligned(["a", "a"], np.ones((2, 2)))


def test_missing_values_of_leaves_spread_where_they_matter() -> None:
    """Before its first value a leaf is 0 in sums; a later gap makes its sums alone NaN."""
    hierarchy = Hierarchy.of({"total": ["x", "y"], "x": ["x1", "x2"], "y": ["y1"]})
    nan = np.nan
    values = [[nan, 1.0, 1.0], [2.0, 2.0, nan], [nan, 4.0, 4.0]]
    got = hierarchy.aligned(["x1", "x2", "y1"], values)
    expected = [[2.0, 7.0, nan], [2.0, 3.0, nan], [nan, 4.0, 4.0], *values]
    assert np.array_equal(expected, got, equal_nan=True)


def with_errors(children: dict[str, list[str]], seed: int) -> tuple[Any, Any, Any]:
    sums = Hierarchy.of(children).summing_matrix
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.1, 10.0, size=(len(sums), 1))
    base = scales * rng.normal(size=(len(sums), 4))
    return sums, base, scales * rng.normal(size=(len(sums), 30))


@given(trees(), st.integers(0, 99))
def test_reconciled_forecasts_are_coherent_and_unbiased(
    children: dict[str, list[str]], seed: int
) -> None:
    """Parents are sums of leaves to 1e-9, and forecasts that are coherent stay as they are."""
    sums, base, errors = with_errors(children, seed)
    leaves = len(sums[0])
    coherent = sums @ base[-leaves:]
    for method in METHODS:
        given_errors = errors if method == "mint_shrink" else None
        result = reconcile(base, sums, method, given_errors)
        assert np.abs(result - sums @ result[-leaves:]).max() < 1e-9
        same = reconcile(coherent, sums, method, given_errors)
        assert coherent == pytest.approx(same, rel=1e-9, abs=1e-9)
        g = reconcile(np.eye(len(sums)), sums, method, given_errors)[-leaves:]
        assert sums == pytest.approx(sums @ g @ sums, abs=1e-8)  # S G S = S


@given(trees(), st.integers(0, 99))
def test_methods_are_generalised_least_squares(children: dict[str, list[str]], seed: int) -> None:
    """S (S' W^-1 S)^-1 S' W^-1 y with the W of each method (equation 9)."""
    sums, base, errors = with_errors(children, seed)
    weights = {"ols": np.eye(len(sums)), "wls_struct": np.diag(sums.sum(axis=1)),
               "mint_shrink": shrunk_covariance(errors)[0]}  # fmt: skip
    for method in LINEAR:
        inverse = np.linalg.inv(weights[method])
        expected = sums @ np.linalg.solve(sums.T @ inverse @ sums, sums.T @ inverse @ base)
        result = reconcile(base, sums, method, errors)
        assert expected == pytest.approx(result, rel=1e-7, abs=1e-7)


def test_the_shrinkage_is_that_of_a_loop() -> None:
    """Schaefer and Strimmer's share: variances of the products of unit errors, over squares."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(4, 25)) @ np.diag(rng.uniform(0.5, 2, 25)) + rng.normal(size=25)
    n = 25
    unit = errors / np.sqrt((errors**2).mean(axis=1))[:, None]
    top = bottom = 0.0
    for i in range(4):
        for j in range(4):
            if i != j:
                products = unit[i] * unit[j]
                top += ((products - products.mean()) ** 2).sum() / (n * (n - 1))
                bottom += products.mean() ** 2
    covariance, share = shrunk_covariance(errors)
    assert top / bottom == pytest.approx(share) and 0 < share < 1
    plain = errors @ errors.T / n
    assert np.diag(plain) == pytest.approx(np.diag(covariance))
    assert (1 - share) * plain[0, 1] == pytest.approx(covariance[0, 1])
    holes = np.insert(errors, 3, np.nan, axis=1)
    assert share == shrunk_covariance(holes)[1]


def test_mint_has_the_smallest_errors() -> None:
    """Correlated, unequal errors: the sum of squares falls by MinT below OLS, WLS and bottom-up."""
    children = {"t": ["a", "b"], "a": ["a1", "a2", "a3"], "b": ["b1", "b2"]}
    sums = Hierarchy.of(children).summing_matrix
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(8, 8)) * np.array([3, 0.5, 2, 4, 1, 0.3, 2, 1])[:, None]
    errors = mixing @ rng.normal(size=(8, 400))
    truth = sums @ rng.normal(size=(5, 4000))
    base = truth + mixing @ rng.normal(size=(8, 4000))
    loss = {method: float(np.square(reconcile(base, sums, method, errors) - truth).mean())
            for method in METHODS}  # fmt: skip
    assert loss["mint_shrink"] < 0.9 * min(loss[k] for k in METHODS if k != "mint_shrink")
    assert loss["mint_shrink"] < 0.5 * np.square(base - truth).mean()


@pytest.mark.parametrize("fixed", [[0], [3], [1, 2], [0, 1, 2, 3, 4]])
def test_a_singular_covariance_is_no_trouble(fixed: list[int]) -> None:
    """Series without errors keep their forecast where the sums allow it; all stays coherent."""
    sums = Hierarchy.of({"t": ["a", "b"], "a": ["a1", "a2"]}).summing_matrix
    rng = np.random.default_rng(2)
    errors, base = rng.normal(size=(5, 20)), rng.normal(size=(5, 3))
    errors[fixed] = 0.0
    result = reconcile(base, sums, "mint_shrink", errors)
    assert np.isfinite(result).all()
    assert np.abs(result - sums @ result[2:]).max() < 1e-9
    if len(fixed) < 3:
        assert base[fixed] == pytest.approx(result[fixed])
    repeated = np.repeat(errors[:, :1], 9, axis=1)  # rank 1
    assert np.isfinite(reconcile(base, sums, "mint_shrink", repeated)).all()


def test_sizes_of_the_series_do_not_matter() -> None:
    """In other units the reconciled forecasts are the same, also at 1e-9 and 1e9."""
    sums, base, errors = with_errors({"t": ["a", "b"], "a": ["a1", "a2"]}, 3)
    expected = reconcile(base, sums, "mint_shrink", errors)
    for factor in (1e-9, 1e9):
        result = reconcile(factor * base, sums, "mint_shrink", factor * errors)
        assert factor * expected == pytest.approx(result, rel=1e-9)
    errors[[1, 3, 4]] *= 1e-6  # a small branch of a large total
    weights = np.linalg.inv(shrunk_covariance(errors)[0])
    direct = sums @ np.linalg.solve(sums.T @ weights @ sums, sums.T @ weights @ base)
    result = reconcile(base, sums, "mint_shrink", errors)
    assert direct == pytest.approx(result, rel=1e-5, abs=1e-8)


def test_sample_paths_are_reconciled_one_by_one() -> None:
    """(series, horizon, samples) gives what each path gives."""
    sums, base, errors = with_errors({"t": ["a", "b"]}, 4)
    paths = np.stack([base, 2 * base, base - 1], axis=-1)
    result = reconcile(paths, sums, "mint_shrink", errors)
    for k in range(3):
        assert reconcile(paths[..., k], sums, "mint_shrink", errors) == pytest.approx(
            result[..., k], abs=1e-12
        )


def test_wrong_use_of_reconcile_is_refused() -> None:
    """Unknown methods, absent or few errors, and matrices that do not end in an identity."""
    sums, base, _ = with_errors({"t": ["a", "b"]}, 5)
    with pytest.raises(ValueError, match="'mint' is one of bottom_up, ols"):
        reconcile(base, sums, "mint")
    with pytest.raises(ValueError, match="needs the errors"):
        reconcile(base, sums)
    with pytest.raises(DataError, match="two errors of all series at least, and there are 1"):
        reconcile(base, sums, errors=[[1.0, np.nan], [1.0, 1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match=r"errors \(2, 9\) have a row for each of the 3"):
        reconcile(base, sums, errors=np.ones((2, 9)))
    with pytest.raises(ValueError, match="an identity"):
        reconcile(base, sums[::-1], "ols")
    with pytest.raises(ValueError, match=r"base \(2, 4\) is \(series, horizon\) with 3"):
        reconcile(base[:2], sums, "ols")
