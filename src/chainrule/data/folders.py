"""Folders of files, as people and their programs leave them: what is hidden is no sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones."""
    return sorted(x for x in folder.iterdir() if x.is_dir() and not x.name.startswith("."))


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """The files of these endings (small letters) in a folder and those under it, sorted.

    Hidden files are left out, such as ``._1.png`` of macOS, and hidden folders with all in them,
    such as ``.ipynb_checkpoints``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a/1.PNG", "a/._1.png", "a/.trash/2.png", "notes.txt"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(parents=True, exist_ok=True)
    ...         path.touch()
    ...     found = files_in(Path(folder), (".png",))
    >>> [path.name for path in found]
    ['1.PNG', 'b.png']
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
