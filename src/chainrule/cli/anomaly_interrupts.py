"""Ctrl-C in commands that must not lose what they have: trainings of several networks, streams."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class TrainingInterrupts:
    """One Ctrl-C ends the training of all networks that are left, each after an epoch.

    `train.fit` ends the network that trains when Ctrl-C comes; as a callback this ends the others.

    Attributes
    ----------
    happened : bool
    """

    def __init__(self) -> None:
        self.happened = False

    def __enter__(self) -> Self:
        self._before: Any = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self, report: Any) -> None:
        """End a training that began after Ctrl-C."""
        if self.happened:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.happened = True
        raise KeyboardInterrupt


class StopRequests:
    """Ctrl-C and SIGTERM wait until a row is finished, and end a wait for rows at once.

    Attributes
    ----------
    number : int or None
        The signal that came.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._is_waiting = False

    @contextmanager
    def handled(self) -> Iterator[Self]:
        """Take the signals over, and give them back in the end."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """In here, a signal raises `KeyboardInterrupt`: nothing is half done."""
        self._is_waiting = True
        try:
            if self.number is not None:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_waiting = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, number
        if self._is_waiting or again:
            raise KeyboardInterrupt
