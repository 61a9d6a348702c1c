"""How much a server takes of each request, and of all of them together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is refused, so that no request can take all memory or time.

    Attributes
    ----------
    body : int
        Bytes of a request.
    rows : int
        Rows of a request.
    explained : int
        Rows of a request that asks for explanations.
    waiting : int
        Requests that may wait; further ones are refused at once.
    seconds : float
        For a request, waiting and answering together.
    body_seconds : float
        For a body to arrive.
    batch : int
        Rows that requests are put together to.
    """

    body: int = 4_000_000
    rows: int = 10_000
    explained: int = 200
    waiting: int = 64
    seconds: float = 60.0
    body_seconds: float = 10.0
    batch: int = 4_096
