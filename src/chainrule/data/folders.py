"""Files in folders, and in folders that name their class; what is hidden is no sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without hidden ones.

    Raises
    ------
    DataError
        If a link in it leads nowhere: perhaps to a folder.
    """
    visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for path in visible:
        if path.is_symlink() and not path.exists():
            raise DataError(f"{path} is a link that leads nowhere: mend it, or remove it")
    return sorted(path for path in visible if path.is_dir())


def files_in(folder: Path, extensions: Sequence[str]) -> list[Path]:
    """Return the files with these extensions (small letters) in a folder and under it, sorted.

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
    ...     files = files_in(Path(folder), (".png",))
    >>> [path.name for path in files]
    ['1.PNG', 'b.png']
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in extensions
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )
    for path in files:
        if not path.is_file():
            kind = "a pipe or device" if path.exists() else "a link that leads nowhere"
            raise DataError(f"{path} is {kind}, and no file: mend it, or remove it")
    return files


def files_by_class(folder: Path, extensions: Sequence[str]) -> dict[str, list[Path]]:
    """Return the files in each folder of a folder, by its name; without folders that have none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat/1.png", "cat/2.png", "dog/notes.txt"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     files = files_by_class(Path(folder), (".png",))
    >>> {name: [path.name for path in paths] for name, paths in files.items()}
    {'cat': ['1.png', '2.png']}
    """
    files = {path.name: files_in(path, extensions) for path in folders_in(folder)}
    return {name: paths for name, paths in files.items() if paths}
