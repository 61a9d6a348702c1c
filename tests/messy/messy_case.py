"""A messy file as somebody might send it, and what its table should be read as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MessyCase:
    """One file, and its clean twin or the words of its refusal.

    Attributes
    ----------
    name : str
        What is messy about it; the test's id.
    file : str
        The file's name, with its ending.
    content : bytes
    clean : dict of list, or None
        The typed columns that `read_table` should return, in their order: numbers, texts, bools,
        `datetime.datetime`s, and None where a cell is missing. None for a file that is refused.
    refusal : str
        A regular expression that the error's message matches: the line, and the mend.
    target : str
        The column that a model would predict.
    notes : tuple of str
        Regular expressions: each matches one of the notes of reading, or of the columns.
    """

    name: str
    file: str
    content: bytes
    clean: dict[str, list] | None
    refusal: str = ""
    target: str = "y"
    notes: tuple[str, ...] = ()
