"""An ONNX model while it grows: inputs, nodes, initializers, outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DataError, DtypeError, UnsupportedError
from ..graph.types import Array
from ..lazy import LazyModule
from ..version import __version__

if TYPE_CHECKING:
    import onnx

checker = LazyModule("onnx.checker", extra="onnx")
helper = LazyModule("onnx.helper", extra="onnx")
numpy_helper = LazyModule("onnx.numpy_helper", extra="onnx")

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR_VERSION = 8  # that of opset 18: older runtimes than onnxruntime 1.14 refuse both
ROWS_DIM = "rows"
TEXT = np.dtype(str)
_STRING = 8  # TensorProto.STRING
_KINDS = "biuf"


class ModelBuilder:
    """A model put together from values that are known by their names.

    Parameters
    ----------
    name : str
        The graph's name. Default "chainrule".

    Attributes
    ----------
    types : dict
        ``(dtype, shape)`` of the values of which it is known.
    """

    def __init__(self, name: str = "chainrule") -> None:
        self.name = name
        self.types: dict[str, tuple[np.dtype[Any], tuple[Any, ...]]] = {}
        self.labels: dict[Any, str] = {}  # names that constants shall have, by their content
        self._taken: dict[str, int] = {}
        self._constants: dict[Any, str] = {}
        self._inputs: list[Any] = []
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, dtype: DTypeLike, shape: Sequence[int | str | None]) -> str:
        """Declare an input; returns its name.

        Parameters
        ----------
        name : str
        dtype : dtype
            `str` for text.
        shape : sequence of int, str or None
            A free dimension has a name, such as "rows", or None.
        """
        self._claim(name)
        self._inputs.append(self._declared(name, np.dtype(dtype), tuple(shape)))
        return name

    def output(
        self,
        value: str,
        name: str,
        dtype: DTypeLike | None = None,
        shape: Sequence[int | str | None] | None = None,
    ) -> None:
        """Make a value an output of the model, under a name of its own.

        Parameters
        ----------
        value : str
            What `input`, `node`, `categories` or `call` returned.
        name : str
        dtype, shape
            As of `input`; only asked for if the value came from `node`.
        """
        if dtype is None or shape is None:
            if value not in self.types:
                raise DataError(f"output {name!r}: give the dtype and the shape of {value!r}")
            dtype, shape = self.types[value]
        self._claim(name)
        self.node("Identity", value, outputs=(name,))
        self._outputs.append(self._declared(name, np.dtype(dtype), tuple(shape)))

    def constant(self, array: Any) -> str:
        """Add an initializer of these numbers, or return the one that holds them already."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = content_key(array)
        if key not in self._constants:
            name = self.unique_name(self.labels.get(key, "constant"))
            element_type(array.dtype)  # raises for what ONNX cannot hold
            self._initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]

    def node(
        self,
        operation: str,
        *inputs: str,
        outputs: int | Sequence[str] = 1,
        domain: str = "",
        **attributes: Any,
    ) -> Any:
        """Add a node; returns the name of its result, or a tuple of names if `outputs` is not 1.

        Parameters
        ----------
        operation : str
            As in ONNX, such as "MatMul".
        *inputs : str
            Names of values; "" for an optional input that is left out.
        outputs : int or sequence of str
            How many results, or their names. Default 1.
        domain : str
            "" or "ai.onnx.ml". Default "".
        **attributes
            As in ONNX.
        """
        if domain not in OPSETS:
            raise UnsupportedError(f"domain {domain!r}: only {sorted(OPSETS)} can be used")
        if isinstance(outputs, int):
            outputs = [self.unique_name(operation.lower()) for _ in range(outputs)]
        node = helper.make_node(operation, inputs, outputs, domain=domain, **attributes)
        self._nodes.append(node)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def model(self, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
        """Return the model, checked by ``onnx.checker`` with its types inferred.

        Parameters
        ----------
        metadata : mapping of str to str, optional
            Kept in the file for whoever reads it.
        """
        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, self._initializers
        )
        used = {"", *[node.domain for node in self._nodes]}
        opsets = [helper.make_opsetid(domain, OPSETS[domain]) for domain in sorted(used)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="chainrule",
            producer_version=__version__,
        )  # fmt: skip
        helper.set_model_props(model, dict(metadata or {}))
        checker.check_model(model, full_check=True)
        return model  # type: ignore[no-any-return]

    def _declared(self, name: str, dtype: np.dtype[Any], shape: tuple[Any, ...]) -> Any:
        self.types[name] = (dtype, shape)
        return helper.make_tensor_value_info(name, element_type(dtype), shape)

    @contextmanager
    def nested_nodes(self) -> Iterator[list[Any]]:
        """Within, nodes are collected in a list of their own, which this yields."""
        outer, self._nodes = self._nodes, []
        try:
            yield self._nodes
        finally:
            self._nodes = outer

    def graph_of(self, nodes: list[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """Build the body of a loop from nodes and ``(name, (dtype, shape))`` of its ends."""
        ends = [
            [
                helper.make_tensor_value_info(
                    name, element_type(dtype), [n if isinstance(n, int) else None for n in shape]
                )
                for name, (dtype, shape) in values
            ]
            for values in (inputs, outputs)
        ]
        return helper.make_graph(nodes, self.unique_name("body"), *ends)

    def _claim(self, name: str) -> None:
        if name in self._taken:
            raise DataError(f"two values are called {name!r}: choose other names")
        self._taken[name] = 0

    def unique_name(self, stem: str) -> str:
        """Return a name that nothing has yet."""
        name = stem
        while name in self._taken:
            self._taken[stem] = self._taken.get(stem, 0) + 1
            name = f"{stem}_{self._taken[stem]}"
        self._taken[name] = 0
        return name


def element_type(dtype: np.dtype[Any]) -> int:
    """Return ONNX's number for a dtype."""
    if dtype.kind in "UTO":
        return _STRING
    if dtype.kind not in _KINDS or dtype.itemsize > 8:
        raise DtypeError(f"dtype {dtype} has no counterpart in ONNX")
    return int(helper.np_dtype_to_tensor_dtype(dtype))


def content_key(array: Array) -> Any:
    """Return a key that is equal for arrays of the same type and numbers."""
    return (array.shape, array.dtype.str, array.tobytes())
