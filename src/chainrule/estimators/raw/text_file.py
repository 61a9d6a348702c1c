"""What a model file holds of a `TextClassifier`: its vocabulary, and how it is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...container import damaged
from ...data.vocabulary import Vocabulary
from ...data.words import RULES
from ..serialization.schema import each, fields, finite, flag, one_of, whole

SOLVERS = ("adam", "lbfgs")
PARTS = ("words", "pairs", "pieces")  # of a vocabulary
LARGEST = 1_000_000  # words that have numbers
LONGEST_ROW = 4096  # numbers of a text, where one may choose
LONGEST_WHOLE = 2**27  # where all is read

PREPARED = fields(
    {"length": whole(1, LONGEST_WHOLE), "parts": each(one_of(*PARTS), 1, len(PARTS))},
    {"rule": whole(RULES[0], RULES[-1]), "whole": flag, "unread": finite,
     "solver": one_of(*SOLVERS)},
)  # fmt: skip


def preprocessing_state(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The vocabulary as what JSON holds, and arrays."""
    arrays = {"scale": model.scale_}
    for name in PARTS:
        if entries := getattr(model.tokens_, name):
            arrays[name] = np.frombuffer("\n".join(entries).encode(), np.uint8)
    part_names = [name for name in PARTS if name in arrays]
    return {
        "length": model.tokens_.length, "parts": part_names, "rule": model.tokens_.rule,
        "whole": model.tokens_.whole, "solver": model.solver_,
    } | ({} if model.unread_ is None else {"unread": model.unread_}), arrays  # fmt: skip


def restore_preprocessing(model: Any, state: dict[str, Any], arrays: Any) -> None:
    """Set what `preprocessing_state` was made of, after checking all."""
    checked = PREPARED(state, "the vocabulary")
    if any(array.shape[1:] != (checked["length"],) for array in model.row_types_.values()):
        raise damaged("its rows are not as long as its vocabulary says")
    reads_all = checked.get("whole", False)
    if (not reads_all and checked["length"] > LONGEST_ROW) or (
        reads_all and model.encoder != "bag"
    ):
        raise damaged("its texts are longer than its encoder reads")
    model.solver_ = checked.get("solver", "adam")  # the only one of earlier versions
    if model.solver_ == "lbfgs" and not reads_all:
        raise damaged("its solver is one for bags that read all")
    entries = {name: _entries(arrays(name), name) for name in dict.fromkeys(checked["parts"])}
    model.tokens_ = Vocabulary(
        entries.get("words", ()), entries.get("pairs", ()), entries.get("pieces", ()),
        length=checked["length"], whole=reads_all, rule=checked.get("rule", RULES[0]),
        spelled=model.solver_ == "lbfgs",
    )  # fmt: skip
    model.unread_ = checked.get("unread")
    model.scale_ = arrays.numbers("scale", (model.tokens_.size,), np.dtype(np.float32))


def _entries(array: Any, name: str) -> tuple[str, ...]:
    """A part of the vocabulary, from the bytes of its lines."""
    if array.dtype != np.uint8 or array.ndim != 1:
        raise damaged(f"its {name} are no text")
    try:
        entries = tuple(array.tobytes().decode().split("\n"))
    except UnicodeDecodeError:
        raise damaged(f"its {name} are no text") from None
    if "" in entries or len(set(entries)) < len(entries) or len(entries) > LARGEST:
        raise damaged(f"its {name} are empty, twice the same, or too many")
    return entries
