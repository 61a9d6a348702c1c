"""Functions as ONNX models, and models from parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tree
from ..errors import DataError, DtypeError
from ..files import write_atomically
from ..trace.capture import as_array
from .emitter import Emitter
from .model_builder import ROWS_DIM, TEXT, ModelBuilder, content_key
from .rules import RULES
from .symbolic_shapes import SymbolicGraph, SymbolicSize, have_rows, observe

if TYPE_CHECKING:
    import onnx


class OnnxBuilder(ModelBuilder):
    """An ONNX model put together from inputs, traced functions, and nodes of your own.

    Each method returns the name of a value, which others take. What the model reads need not be
    what a function reads: text becomes codes by `categories`, and any ONNX operation can be had by
    `node`.

    Parameters
    ----------
    name : str
        The graph's name. Default "chainrule".

    Examples
    --------
    >>> import numpy as np
    >>> builder = OnnxBuilder()
    >>> colour = builder.input("colour", str, ["rows"])
    >>> codes = builder.categories(colour, ["red", "green"])
    >>> def one_hot(k):
    ...     return (k[:, None] == np.arange(2)).astype(np.float32)
    >>> [row] = builder.call(one_hot, [codes], np.zeros(5, np.int64))
    >>> builder.output(row, "features")
    >>> [node.op_type for node in builder.model().graph.node]
    ['LabelEncoder', 'Reshape', 'Equal', 'Cast', 'Identity']
    """

    def categories(self, value: str, levels: Sequence[Any], unknown: int = -1) -> str:
        """Return the index of each text (or integer) among `levels`, as int64; `unknown` if absent.

        Parameters
        ----------
        value : str
            An input of text or of int64, of any shape.
        levels : sequence of str or of int
            All different.
        unknown : int
            Default -1.
        """
        text = all(isinstance(level, str) for level in levels)
        if not text and not all(isinstance(level, (int, np.integer)) for level in levels):
            raise DtypeError(f"levels {list(levels)!r:.60}: give texts only, or whole numbers only")
        if len(set(levels)) != len(levels) or not levels:
            raise DataError(f"levels {list(levels)!r:.60}: give at least one, and none twice")
        dtype, shape = self.types.get(value, (TEXT if text else np.dtype(np.int64), None))
        if (dtype.kind in "UTO") != text:
            raise DtypeError(f"{value!r} is {dtype}, and the levels are {list(levels)!r:.60}")
        codes = self.node(
            "LabelEncoder", value, domain="ai.onnx.ml", default_int64=unknown,
            values_int64s=range(len(levels)),
            **{"keys_strings" if text else "keys_int64s": list(levels)},
        )  # fmt: skip
        if shape is not None:
            self.types[codes] = (np.dtype(np.int64), shape)
        return str(codes)

    def call(
        self, function: Callable[..., Any], values: Sequence[str], *examples: Any,
        batch: bool = True,
    ) -> list[str]:  # fmt: skip
        """Add what a function computes; see `to_onnx`.

        Parameters
        ----------
        function : callable
        values : sequence of str
            One a leaf of the examples.
        *examples : pytree of arrays
            Their shapes and dtypes are those of the values.
        batch : bool
            Default True.

        Returns
        -------
        list of str
            One a leaf of the function's result.
        """
        return self._add(function, values, examples, batch)[0]

    def _add(
        self, function: Callable[..., Any], values: Sequence[str], examples: Any, batch: bool
    ) -> tuple[list[str], SymbolicGraph]:
        for key, leaf in zip(tree.names(function), tree.leaves(function), strict=True):
            if isinstance(leaf, np.ndarray):
                self.labels.setdefault(content_key(leaf), key)
        arrays = [as_array(leaf) for leaf in tree.leaves(examples)]
        if len(arrays) != len(values):
            raise DataError(f"{len(values)} values for examples of {len(arrays)} arrays")
        for value, array in zip(values, arrays, strict=True):
            dtype, _ = self.types.get(value, (array.dtype, None))
            if dtype != array.dtype:
                raise DtypeError(f"{value!r} is {dtype}, and its example is {array.dtype}")
        graph = observe(function, examples, batch, frozenset(RULES))
        results = Emitter(self, graph, values).run(RULES)
        for result in results:
            shape = tuple(_dimension(dim) for dim in result.shape)
            self.types.setdefault(result.name, (result.dtype, shape))
        return [result.name for result in results], graph


def _dimension(dim: Any) -> Any:
    if isinstance(dim, SymbolicSize):
        return None if dim.line is None else str(dim)
    return dim


def to_onnx(
    function: Callable[..., Any],
    *examples: Any,
    names: Sequence[str] | None = None,
    batch: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> onnx.ModelProto:
    """Return the ONNX model that computes what a function computes.

    Arrays that the function reads from outside, such as a module's weights, are stored in the
    model. It needs no chainrule to run. Opset 18; onnxruntime has it since 1.14.

    Parameters
    ----------
    function : callable
        Written in NumPy, or a module. `scan` becomes ONNX' Scan; `while_loop` and `cond` cannot be
        exported, nor can writing by an array of indices.
    *examples : pytree of arrays
        Arguments, of which only shapes and dtypes are read.
    names : sequence of str, optional
        The model's inputs, one a leaf of the examples. Default: the function's parameters.
    batch : bool
        Whether the first axis is rows, any number of them: that of the first example with an axis,
        and of all examples whose first axis is as long. The function is then traced with several
        row counts up to 10,007, and what of it depends on them is computed in the model. Default
        True.
    metadata : mapping of str to str, optional
        Kept in the model for whoever reads it.

    Returns
    -------
    onnx.ModelProto
        Its outputs are called "output", or by the keys of the result. Checked by ``onnx.checker``.

    Raises
    ------
    UnsupportedError
        If a primitive cannot be exported, or depends on the row count in a way that cannot be
        said; names the primitive and your line.

    Notes
    -----
    Integers narrower than 32 bits are computed in 64 and cut. onnxruntime's own error: ``Sigmoid``
    is 0 below -18 (in float64 below -37), where the true value is under 2e-8 (1e-16); ``Where``
    drops the sign of -0.

    Examples
    --------
    >>> import numpy as np
    >>> w = np.array([[1.0], [2.0]], np.float32)
    >>> model = to_onnx(lambda x: np.tanh(x @ w), np.zeros((5, 2), np.float32))
    >>> [node.op_type for node in model.graph.node]
    ['MatMul', 'Tanh', 'Identity']
    >>> [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    ['rows', 2]
    """
    builder = OnnxBuilder()
    arrays = [as_array(leaf) for leaf in tree.leaves(examples)]
    names = _input_names(function, examples) if names is None else list(names)
    if len(names) != len(arrays):
        raise DataError(f"{len(names)} names for examples of {len(arrays)} arrays")
    for name, array, free in zip(names, arrays, have_rows(arrays, batch), strict=True):
        builder.input(name, array.dtype, (ROWS_DIM, *array.shape[1:]) if free else array.shape)
    results, graph = builder._add(function, names, examples, batch)
    for result, path in zip(results, graph.output_names, strict=True):
        builder.output(result, f"output.{path}" if path.isdecimal() else path or "output")
    return builder.model(metadata)


def _input_names(function: Callable[..., Any], examples: Sequence[Any]) -> list[str]:
    """Return the parameters' names, followed by a point and the path to the leaf."""
    try:
        known = [p.name for p in inspect.signature(function).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]  # fmt: skip
    except (TypeError, ValueError):  # a builtin without a signature
        known = []
    names = []
    for k, example in enumerate(examples):
        stem = known[k] if k < len(known) else f"input{k}"
        names += [f"{stem}.{path}" if path else stem for path in tree.names(example)]
    return names


def save_onnx(
    path: str | Path,
    function: Callable[..., Any],
    *examples: Any,
    names: Sequence[str] | None = None,
    batch: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the model of `to_onnx` to a file, whole or not at all.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "double.onnx")
    ...     save_onnx(path, lambda x: 2.0 * x, np.zeros(3))
    ...     path.stat().st_size > 100
    True
    """
    model = to_onnx(function, *examples, names=names, batch=batch, metadata=metadata)
    write_atomically(path, model.SerializeToString())
