"""Small requests that come at the same time, answered by one prediction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..errors import DataError


class BusyError(Exception):
    """Too many requests wait already."""


@dataclass(eq=False)
class _Call:
    """The rows of one request, and what is asked of them."""

    rows: Sequence[Any]
    asked: Hashable
    answers: list[Any] | None = None
    error: Exception | None = field(default=None)

    @property
    def done(self) -> bool:
        """Whether there are answers, or an error."""
        return self.answers is not None or self.error is not None


class Batches:
    """Answers requests one batch after the other, in a thread.

    While one is computed, others gather, and those of them that ask for the same are the next one:
    nothing waits for a batch to fill.

    Parameters
    ----------
    answer : callable
        ``answer(rows, asked)``: an answer for each row.
    most_rows : int
        Of a batch of several requests.
    most_waiting : int
        Requests that may wait.
    """

    def __init__(
        self, answer: Callable[[Sequence[Any], Any], list[Any]], most_rows: int, most_waiting: int
    ) -> None:
        self._answer, self._most_rows, self._most_waiting = answer, most_rows, most_waiting
        self._waiting: list[_Call] = []
        self._open = 0
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "predictions")

    async def answer(self, rows: Sequence[Any], asked: Hashable) -> list[Any]:
        """An answer for each row.

        Raises
        ------
        BusyError
            If too many requests wait.
        DataError
            If a row cannot be answered; other requests of the batch are not concerned.
        """
        if self._open >= self._most_waiting:
            raise BusyError
        call = _Call(rows, asked)
        self._waiting.append(call)
        self._open += 1
        try:
            async with self._lock:
                if not call.done:  # no batch before had it with it
                    await self._serve(self._batch(call))
        finally:
            self._open -= 1
            if call in self._waiting:
                self._waiting.remove(call)
        if call.error is not None:
            raise call.error
        return call.answers or []

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _batch(self, call: _Call) -> list[_Call]:
        """A request and others that ask for the same, which no longer wait."""
        batch, rows = [call], len(call.rows)
        for other in self._waiting:
            alike = other is not call and other.asked == call.asked
            if alike and rows + len(other.rows) <= self._most_rows:
                batch.append(other)
                rows += len(other.rows)
        self._waiting = [each for each in self._waiting if each not in batch]
        return batch

    async def _serve(self, batch: list[_Call]) -> None:
        """Answer all requests of a batch; one at a time, if one of them is at fault."""
        try:
            await self._compute(batch)
        except asyncio.CancelledError:  # of the first alone: the others see to themselves
            self._waiting += [each for each in batch[1:] if not each.done]
            raise

    async def _compute(self, batch: list[_Call]) -> None:
        rows = [row for call in batch for row in call.rows]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._thread, self._answer, rows, batch[0].asked)
        except DataError as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for call in batch:
                await self._compute([call])
            return
        except Exception as error:
            for call in batch:
                call.error = error
            return
        start = 0
        for call in batch:
            call.answers = answers[start : start + len(call.rows)]
            start += len(call.rows)
