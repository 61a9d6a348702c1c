"""All checks of a table, one after the other."""

from __future__ import annotations

from .advice import Advice
from .evidence import Evidence


def advise(_evidence: Evidence) -> tuple[Advice, ...]:
    """What to look out for, the gravest first."""
    return ()
