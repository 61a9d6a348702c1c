"""Answers for any number of rows by a few compiled programs, each for a block of so many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import is_
from typing import Any, Literal, TypeAlias

import numpy as np

from ... import tree
from ...nn import Module
from ...transforms import jit
from ..inputs import rows as row_pieces
from ..inputs.rows import dense, issparse
from .perceptron import Perceptron, Weights

Answer: TypeAlias = Literal["outputs", "probabilities", "codes"]

FEW_ROWS = 16  # of the block for what is left, where a large one would be answered in vain
SOME_ROWS = 128  # likewise, where the weights do not stay in the cache from block to block
MUCH_WORK = 2**17  # multiplications of a row by so many weights
MOST_ROWS = 1024  # of a large block
LEAST_ROWS = 256  # likewise
CALL_WORK = 2**16  # multiplications in the time of a call
BLOCK_WORK = 2**23  # multiplications that are worth to be shared by threads: 0.2 ms of one
BLOCK_OUTPUTS = 2**22  # outputs of all members in a block, at most


@dataclass(frozen=True)
class Blocks:
    """How many rows a block has: few programs are to serve all numbers of rows.

    Attributes
    ----------
    most : int
        Of a large block, a power of two.
    work : int
        The multiplications of a row.
    """

    most: int
    work: int

    @staticmethod
    def of(work: int, inputs: int, outputs: int) -> Blocks:
        """Large blocks that are worth sharing, as far as the memory goes.

        `inputs` are the numbers of a row, and `outputs` those that it has of all members.
        """
        rows = min(max(BLOCK_WORK // max(work, 1), LEAST_ROWS), MOST_ROWS)
        rows = min(rows, row_pieces.DENSE // max(inputs, 1), BLOCK_OUTPUTS // max(outputs, 1))
        return Blocks(int(2 ** (max(rows, 1).bit_length() - 1)), work)

    def next(self, rows: int) -> int:
        """The rows of the next block, if so many are left.

        Examples
        --------
        >>> small, large = Blocks(1024, 100), Blocks(256, 200_000)
        >>> [small.next(rows) for rows in (1, 9, 100, 2000)]
        [1, 16, 1024, 1024]
        >>> [large.next(rows) for rows in (1, 9, 100, 2000)]
        [1, 16, 128, 256]
        """
        if rows == 1 or rows >= self.most:
            return min(rows, self.most)
        sizes = [FEW_ROWS, SOME_ROWS] if self.work >= MUCH_WORK else [FEW_ROWS]
        sizes = [size for size in sizes if size < self.most] + [self.most]
        filled_up = next(size for size in sizes if size >= rows)
        whole = max((size for size in sizes if size < rows), default=filled_up)
        # A row in a block of few takes half as long again
        share = 1.5 if whole == FEW_ROWS else 1.0
        by_whole = CALL_WORK * (rows // whole + 1) + (rows - rows % whole) * self.work * share
        by_whole += (rows % whole) * self.work * 1.5
        by_one = CALL_WORK + filled_up * self.work
        return filled_up if by_one <= by_whole else whole


class Arrays(Module):
    """The arrays of a network: a tree that does not change, which calls need not walk again."""

    leaves: tuple[Any, ...]


class Answers:
    """One kind of answers of a network, for rows of any number.

    A row's answer does not depend on the rows beside it, but for rounding: blocks of other
    numbers of rows may add up products in another order.

    Parameters
    ----------
    perceptron : Perceptron
    weights, stats : tree of arrays
    kind : str
        ``"outputs"``: predictions, shape (rows, outputs). ``"probabilities"``: the same, with a
        column for either class where there is one output. ``"codes"``: the column of the largest
        output, or whether the only one is above 1/2, shape (rows,).
    blocks : Blocks
    """

    def __init__(
        self, perceptron: Perceptron, weights: Weights, stats: Any, kind: Answer, blocks: Blocks
    ) -> None:
        leaves, structure = tree.flatten((weights, stats))
        self._layers = _layers(weights)
        self._arrays = Arrays(tuple(leaves))
        self._function = make_answer(perceptron, kind, structure)
        self._programs: dict[tuple[int, Any], Callable[..., Any]] = {}
        self.blocks = blocks

    def serves(self, weights: Weights) -> bool:
        """Whether these are the arrays that it answers with; users may exchange ``coefs_[0]``."""
        return all(map(is_, self._layers, _layers(weights)))

    def __call__(self, x: Any, dtype: Any) -> tuple[Any, bool]:
        """The answers for rows, computed in a dtype, and whether all numbers of x are finite."""
        rows = x.shape[0]
        if rows == 1 and x.dtype == dtype and type(x) is np.ndarray:
            answers, check = self._program(1, x)(self._arrays, x)
            return answers, check == 0.0
        x = x.tocsr() if issparse(x) else x
        result: Any = None
        finite, start = True, 0
        while start < rows:
            size = self.blocks.next(rows - start)
            part = x[start : start + size] if rows > size else x
            count = min(size, rows - start)
            block = _filled(np.ascontiguousarray(dense(part), dtype), size)
            answers, check = self._program(size, block)(self._arrays, block)
            finite = finite and check == 0.0
            if rows == size:
                return answers, finite
            if result is None:
                result = np.empty((rows, *answers.shape[1:]), answers.dtype)
            result[start : start + count] = answers[:count]
            start += size
        return result, finite

    def _program(self, size: int, block: Any) -> Callable[..., Any]:
        program = self._programs.get((size, block.dtype))
        if program is None:
            program = self._function.compile(self._arrays, block)
            self._programs[size, block.dtype] = program
        return program


@lru_cache(maxsize=64)
def make_answer(perceptron: Perceptron, kind: Answer, structure: tree.TreeDef) -> Any:
    """Compile ``(arrays, x) -> (answers, check)``; the check is 0 where all numbers are finite."""
    answer: Callable[..., Any] = {
        "outputs": perceptron.predict, "probabilities": perceptron.probabilities,
        "codes": perceptron.codes,
    }[kind]  # fmt: skip

    def answers(arrays: Arrays, x: Any) -> Any:
        weights, stats = tree.unflatten(structure, arrays.leaves)
        return answer(weights, stats, x), np.sum(x - x)

    return jit(answers)


def _layers(weights: Weights) -> list[Any]:
    """The arrays that scikit-learn's users exchange."""
    return [*weights["coefs"], *weights["intercepts"]]


def _filled(block: Any, size: int) -> Any:
    """A block with its last row again and again, up to so many rows."""
    if len(block) == size:
        return block
    filled = np.empty((size, *block.shape[1:]), block.dtype)
    filled[: len(block)] = block
    filled[len(block) :] = block[-1]
    return filled
