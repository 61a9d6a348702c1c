"""The state of a stream as the bytes of a file, and back; nothing in a file is believed."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from ....container import Arrays, Description, damaged, dumps, loads
from ....errors import ModelFileError
from ...serialization import schema

PARTS = ("threshold", "drift", "scorer")
MOST_AXIS, MOST_AXES = 2**24, 4

State = tuple[dict[str, Any], dict[str, Any]]  # values of JSON, and arrays


class StreamState(NamedTuple):
    """All that the later results of a stream depend on, beside its detector.

    Attributes
    ----------
    detector : str
        Its digest.
    n_seen, n_alarms : int
    reference : array of float64, sorted
        The scores that p-values are measured by.
    threshold, drift, scorer : tuple of dict and dict of arrays
    """

    detector: str
    n_seen: int
    n_alarms: int
    reference: Any
    threshold: State
    drift: State
    scorer: State


def stream_to_bytes(state: StreamState) -> bytes:
    """The bytes of a file."""
    arrays: Arrays = {"reference": state.reference}
    empty: dict[str, list[int]] = {}  # shapes of arrays that the container does not hold
    description: Description = {
        "class": "Stream", "detector": state.detector, "n_seen": state.n_seen,
        "n_alarms": state.n_alarms, "empty": empty,
    }  # fmt: skip
    for part in PARTS:
        description[part], its = getattr(state, part)
        for name, array in its.items():
            if array.size:
                arrays[f"{part}.{name}"] = array
            else:
                empty[f"{part}.{name}"] = list(array.shape)
    return dumps(description, arrays)


def stream_from_bytes(data: bytes, digest: str) -> StreamState:
    """What `stream_to_bytes` was given; its parts are checked by those that they belong to.

    Raises
    ------
    ModelFileError
        If it is no stream, or one of a detector with another digest.
    """
    description, arrays = loads(data)
    if description.get("class") != "Stream":
        raise ModelFileError(
            f"it holds a {description.get('class')!r:.40}: give what `Stream.save` wrote"
        )
    state = _FIELDS(description, "the stream")
    if state["detector"] != digest:
        raise ModelFileError(
            "it is the stream of another detector: load the model that it was saved with, or "
            "start a new stream"
        )
    reference = arrays.pop("reference", None)
    if reference is None or reference.ndim != 1 or reference.dtype != float or len(reference) < 2:
        raise damaged("it has no scores that it began with")
    if not (np.diff(reference) >= 0).all():
        raise damaged("the scores that it began with are not sorted")
    if state["n_alarms"] > state["n_seen"]:
        raise damaged("it has more alarms than rows")
    for name, shape in state["empty"].items():
        if 0 not in shape or name in arrays:
            raise damaged(f"the array {name!r:.60} is not empty")
        arrays[name] = np.empty(shape)
    by_part: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        if part not in by_part:
            raise damaged(f"there is an array {name!r:.60} too many")
        by_part[part][rest] = array
    threshold, drift, scorer = ((state[part], by_part[part]) for part in PARTS)
    return StreamState(
        digest, state["n_seen"], state["n_alarms"], reference, threshold, drift, scorer
    )


def detector_digest(detector: Any) -> str:
    """What tells a fitted detector from others: SHA-256 of its arrays and of its columns."""
    description, arrays = detector.fitted_state()
    plain = {key: value for key, value in description.items() if key != "history"}
    data = dumps(schema.to_plain_json(plain, "the detector"), arrays)
    return hashlib.sha256(data).hexdigest()


_SHAPE = schema.each(schema.whole(0, MOST_AXIS), 1, MOST_AXES)
_FIELDS = schema.fields(
    {
        "class": schema.text,
        "detector": schema.text,
        "n_seen": schema.whole(0),
        "n_alarms": schema.whole(0),
        "empty": schema.by_name(_SHAPE),
        **dict.fromkeys(PARTS, schema.anything),
    }
)
