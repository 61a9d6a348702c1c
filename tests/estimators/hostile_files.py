"""What tests and `bench.fuzz_loader` share: valid model files, and ways to spoil them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, load
from chainrule.container import _digest, dumps, loads
from chainrule.errors import DataError, ModelFileError

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31, 2**62, 10**18, 0.0, -0.5, 0.5, 1e308, -1e-308, "",
    "x", "softmax", "logistic", "identity", "exp", "relu", "nan", "a\x00b", "\N{SNOWMAN}",
    "../../x", "__class__", [], {}, [0], [[]], [1, 1], ["a", "b"], {"tuple": [1]}, {"float": "nan"},
    {"float": "inf"}, {"dict": [[1, 2]]}, {"dict": [[[], 1]]}, {"tuple": {"dict": 1}}, "y" * 5000,
    [0] * 3000, "float32", "float64", "int64", "object", "str", "binary", "multiclass",
]  # fmt: skip
WORDS = [b"NaN", b"Infinity", b"1e999", b"-0", b"{}", b"[]", b"null", b"9" * 5000, b'"\\ud800"',
         b'{"a":1,"a":2}', b"[" * 200 + b"]" * 200, b"\xff\xfe", b"\x00", b"//", b"1.",
         b'"']  # fmt: skip


def rows(count: int = 60) -> Any:
    """Numbers for perceptrons; the last column holds codes."""
    made = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    made[:, 3] = np.arange(count) % 5
    return made


def table(count: int = 60) -> Any:
    """Columns of all kinds, with empty cells."""
    x = rows(count)
    return pd.DataFrame({
        "size": x[:, 0],
        "weight": np.where(x[:, 1] > 1, np.nan, x[:, 1]),
        "colour": pd.Series(["red", "green", None, "blue"] * (count // 4), dtype=object),
        "day": pd.date_range("2024-01-01", periods=count),
        "open": x[:, 2] > 0,
    })  # fmt: skip


NEW: dict[str, Callable[[], Any]] = {
    "binary": lambda: MLPClassifier((5, 5), max_iter=2, normalization="batch", residual=True),
    "multiclass": lambda: MLPClassifier(
        (4,), max_iter=2, n_members=2, numeric_embedding="piecewise", numeric_features=[0, 1],
        categorical_features=[3], class_weight={"a": 1.0, "b": 2.0, "c": 1.5},
    ),
    "multilabel": lambda: MLPClassifier(
        (3,), max_iter=2, normalization="layer", activation=["elu"]
    ),
    "numbers": lambda: MLPRegressor(
        "gaussian_nll", (3,), max_iter=2, numeric_embedding="periodic", ema=0.9
    ),
    "lbfgs": lambda: MLPRegressor("tweedie", (), solver="lbfgs", max_iter=5, power=1.2),
    "table": lambda: TabularClassifier((4,), max_iter=2),
    "prices": lambda: TabularRegressor(hidden_layer_sizes=(4,), max_iter=2, n_members=1),
}  # fmt: skip


@cache
def fitted(name: str) -> Any:
    """The estimator of that name, trained once in a process."""
    x = rows()
    y = (x[:, 0] > 0).astype(int)
    targets = {
        "binary": y, "multiclass": np.array(["a", "b", "c"])[y + (x[:, 1] > 0)],
        "multilabel": np.c_[y, 1 - y, y], "numbers": np.c_[x[:, 0], x[:, 1]],
        "lbfgs": y + 0.5, "table": pd.Series(["yes", "no", "maybe"] * 20), "prices": x[:, 0],
    }  # fmt: skip
    given = table() if name in ("table", "prices") else x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NEW[name]().set_params(random_state=0, progress=False).fit(given, targets[name])


class Models(Mapping[str, Any]):
    """One of each kind of estimator, with all that a file may hold; trained when asked for."""

    def __getitem__(self, name: str) -> Any:
        return fitted(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NEW)

    def __len__(self) -> int:
        return len(NEW)


def models() -> Models:
    return Models()


@cache
def files(folder: Path) -> list[bytes]:
    """Valid files, one a model."""
    for name, model in models().items():
        model.save(folder / name, card={"target": name, "scores": [0.5, None]})
    return [(folder / name).read_bytes() for name in models()]


def accepts(path: Path, data: bytes) -> bool:
    """Whether a file loads; then it must answer, and be saved again. Nothing else may come out."""
    path.write_bytes(data)
    try:
        model = load(path)
    except ModelFileError as error:
        told = str(error)
        assert str(path) in told
        assert "\n" not in told and len(told) < 1000 + len(str(path)), told
        return False
    given: Any = table(4)
    if not hasattr(model, "network_"):
        given = np.zeros((4, model.n_features_in_), model.coefs_[0].dtype)
    names = getattr(model, "feature_names_in_", None)
    if names is not None and not hasattr(model, "network_"):
        given = pd.DataFrame(given, columns=names)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = model.predict(given)
            assert len(answer.toarray() if hasattr(answer, "toarray") else answer) == 4
        except (DataError, ValueError) as error:  # columns have other names or kinds
            assert names is not None, error
    model.save(path)
    return True


# Ways to spoil a file


def split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the rest."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header: Any, body: bytes, sealed: bool = True) -> bytes:
    """A file of them; sealed, its digest is right, so that deeper checks are reached."""
    if sealed and isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        text = header["__metadata__"].get("chainrule", "")
        table = {k: v for k, v in header.items() if k != "__metadata__"}
        header["__metadata__"]["digest"] = _digest(text, table, body)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return len(text).to_bytes(8, "little") + text + body


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Each container in a JSON value with each of its keys."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            places(value[key], found)
    return found


def spoil_json(draw: Random, value: Any) -> None:
    """Replace, remove, rename or double one part of a JSON value."""
    holder, key = draw.choice(places(value, []))
    way = draw.randrange(6)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[str(draw.choice(VALUES))] = holder.pop(key)
    elif way == 2 and isinstance(holder, list):
        holder.append(json.loads(json.dumps(holder[key])))
    elif way == 3 and isinstance(holder[key], (int, float)):
        holder[key] = draw.choice(
            [-holder[key], holder[key] + 1, holder[key] * 2, str(holder[key])]
        )
    elif way == 4:
        other, place = draw.choice(places(value, []))
        holder[key] = json.loads(json.dumps(other[place]))
    else:
        holder[key] = json.loads(json.dumps(draw.choice(VALUES)))


def description(draw: Random, data: bytes) -> bytes:
    """Another description, sealed again."""
    told, arrays = loads(data)
    for _ in range(draw.choice([1, 1, 2, 3])):
        if told:
            spoil_json(draw, told)
    try:
        return dumps(told, arrays)
    except (ModelFileError, TypeError):
        return data[: len(data) // 2]


def arrays(draw: Random, data: bytes) -> bytes:
    """Arrays renamed, reshaped, converted, swapped, filled, left out; sealed again."""
    told, found = loads(data)
    name, other = draw.choice(sorted(found)), draw.choice(sorted(found))
    value = found[name]
    ways: list[Callable[[], Any]] = [
        lambda: found.pop(name),
        lambda: found.update({f"{other}.0": found.pop(name)}),
        lambda: found.update({name: found[other], other: found[name]}),
        lambda: found.update({name: value.reshape(-1)}),
        lambda: found.update({name: value[..., None]}),
        lambda: found.update({name: value.T}),
        lambda: found.update({name: value[:1]}),
        lambda: found.update({name: np.repeat(value, 2, axis=0)}),
        lambda: found.update({name: value.astype(draw.choice(["f2", "f4", "f8", "i8", "?"]))}),
        lambda: found.update({name: np.full_like(value, draw.choice([np.nan, np.inf, -1, 0]))
                              if value.dtype.kind == "f" else value[::-1].copy()}),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        draw.choice(ways)()
    return dumps(told, found)


def table_of_arrays(draw: Random, data: bytes) -> bytes:
    """Shapes, offsets and dtypes in the header that do not fit the bytes."""
    header, body = split(data)
    metadata = header.pop("__metadata__")
    spoil_json(draw, header)
    if draw.random() < 0.2:
        spoil_json(draw, metadata)
    return joined({"__metadata__": metadata, **header}, body, draw.random() < 0.8)


def flipped(draw: Random, data: bytes) -> bytes:
    """Some bits."""
    made = bytearray(data)
    for _ in range(draw.choice([1, 1, 1, 4])):
        made[draw.randrange(len(made))] ^= 1 << draw.randrange(8)
    return bytes(made)


def cut(draw: Random, data: bytes) -> bytes:
    """The beginning, or a part missing, or some bytes too many."""
    start, end = sorted(draw.randrange(len(data) + 1) for _ in "ab")
    ways = [data[:start], data[:start] + data[end:], data + data[start:end], data[start:]]
    return draw.choice(ways)


def words(draw: Random, data: bytes) -> bytes:
    """Bytes that JSON may not hold, in the header, whose length is made to fit."""
    end = 8 + int.from_bytes(data[:8], "little")
    place = draw.randrange(8, end)
    head = data[8:place] + draw.choice(WORDS) + data[place + draw.choice([0, 0, 1, 5]) : end]
    return len(head).to_bytes(8, "little") + head + data[end:]


def noise(draw: Random, data: bytes) -> bytes:
    """Bytes at random, perhaps behind a beginning that is right."""
    return data[: draw.choice([0, 8, 9, 100])] + draw.randbytes(draw.randrange(300))


WAYS = [description] * 5 + [arrays] * 2 + [table_of_arrays] * 2 + [flipped, cut, words, noise]


def spoiled(draw: Random, data: bytes) -> bytes:
    """A file that may be anything."""
    return draw.choice(WAYS)(draw, data)
