"""Folders of files, as people and their programs leave them: what is hidden is no sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones.

    Raises
    ------
    DataError
        If a link in it leads nowhere: perhaps to a folder.
    """
    found = [x for x in folder.iterdir() if not x.name.startswith(".")]
    for path in found:
        if path.is_symlink() and not path.exists():
            raise DataError(f"{path} is a link that leads nowhere: mend it, or remove it")
    return sorted(x for x in found if x.is_dir())


def files_in(folder: Path, endings: Sequence[str]) -> list[Path]:
    """The files of these endings (small letters) in a folder and those under it, sorted.

    Hidden files are left out, such as ``._1.png`` of macOS, and hidden folders with all in them,
    such as ``.ipynb_checkpoints``.

    Raises
    ------
    DataError
        If one cannot be a sample: a link that leads nowhere, a pipe or a device.

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
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )
    for path in found:
        if not path.is_file():
            what = "a pipe or device" if path.exists() else "a link that leads nowhere"
            raise DataError(f"{path} is {what}, and no file: mend it, or remove it")
    return found
