"""Outputs that took long to compute are not lost if their place cannot be written."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..data import audio, images
from ..errors import ChainruleError, DataError, ModelFileError
from ..files import check_writable as check_place
from ..files import write_atomically
from ..starting import INTERRUPTED, MISTAKE
from .console import complain

MIN_FREE_BYTES = 2**20  # bytes that a place must have before a training begins
SAMPLES = {*images.EXTENSIONS, *audio.EXTENSIONS, ".txt"}  # of files in class folders
MEMORY = Path("/dev/shm")  # of Linux: room when the disk has none


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path]) -> None:
    """Refuse an output that would replace what is read, or another output of the command.

    Parameters
    ----------
    outputs : mapping of str to Path or None
        By the option that gives each; None is not written.
    inputs : iterable of str or Path
        Files and folders that the command reads; words that are neither (a built-in set, a text)
        are passed over.

    Raises
    ------
    DataError
        With the option, and what lies there.
    """
    wanted = [(option, target) for option, target in outputs.items() if target is not None]
    sources = list(inputs)
    for k, (option, target) in enumerate(wanted):
        for other, earlier in wanted[:k]:
            if _same(target, earlier):
                raise DataError(
                    f"{option} {target} is what {other} writes, too: choose another place for one"
                )
        for source in sources:
            if _holds(source, target):
                raise DataError(
                    f"{option} {target} would replace what is read from {source}: choose another "
                    f"place with {option}"
                )


def _same(target: Path, other: Path) -> bool:
    """Whether both are one file, or would be; devices and pipes keep apart what is written."""
    with suppress(OSError, ValueError):
        if target.exists() and other.exists():
            return target.is_file() and target.samefile(other)
        return os.path.realpath(target) == os.path.realpath(other)
    return False


def _holds(source: str | Path, target: Path) -> bool:
    """Whether a place is a file that is read, or a sample in a folder that is."""
    path = Path(source)
    with suppress(OSError, ValueError):  # too long for a name, or with a NUL: a text
        if not str(source) or not path.exists() or not target.is_file():
            return False
        if not path.is_dir():
            return _same(target, path)
        inside = Path(os.path.realpath(target)).is_relative_to(os.path.realpath(path))
        return inside and target.suffix.lower() in SAMPLES
    return False


def check_writable(target: Path, option: str = "--output") -> None:
    """Fail before the work rather than after it."""
    try:
        check_place(target, MIN_FREE_BYTES)
    except OSError as error:
        raise ModelFileError(
            f"cannot write {target}: {error.strerror or error}; choose another place with {option}"
        ) from error


def write(target: Path, data: bytes, option: str = "--output") -> Path:
    """Write a file whole, or keep it elsewhere: see `write_somewhere`."""

    def written(path: Path) -> None:
        try:
            write_atomically(path, data)
        except BrokenPipeError:  # its reader has seen enough
            raise
        except OSError as error:
            raise DataError(
                f"cannot write {path}: {error.strerror or error}; choose another place with "
                f"{option}"
            ) from error

    return write_somewhere(target, written)


def write_somewhere(target: Path, write: Callable[[Path], None]) -> Path:
    """Where a file lies in the end: its place, or another one if that has become unwritable.

    Parameters
    ----------
    target : Path
    write : callable
        Given a path, it writes there, or raises an error of ours that an OSError caused.

    Raises
    ------
    ChainruleError
        The first, if there is no other place, either.
    """
    try:
        write(target)
    except ChainruleError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        other = _elsewhere(target.name, write)
        if other is None:
            raise type(error)(f"{error}; and no other place was found to keep it in") from error
        note = " (in memory: until the machine stops)" if MEMORY in other.parents else ""
        complain(f"chainrule: {error}", style="red")
        complain(f"chainrule: kept as {other}{note}: move it from there", style="red")
        return other
    return target


def _elsewhere(name: str, write: Callable[[Path], None]) -> Path | None:
    """Write into a new folder, where that is possible."""
    for folder in _folders():
        try:
            new_folder = Path(tempfile.mkdtemp(prefix="chainrule-", dir=folder))
        except OSError:
            continue
        try:
            write(new_folder / name)
        except (ChainruleError, OSError):
            shutil.rmtree(new_folder, ignore_errors=True)
        else:
            return new_folder / name
    return None


def _folders() -> Iterator[Path]:
    """Where files stay longest comes first."""
    with suppress(RuntimeError):  # no home
        yield Path.home()
    yield Path("/var/tmp")
    with suppress(OSError):
        yield Path(tempfile.gettempdir())
    yield MEMORY


def leave(interrupted: bool, *outputs: tuple[Path | None, Path | None]) -> None:
    """End with the exit code that says if a training was interrupted, or a file lies elsewhere.

    Each pair is where a file should be, and where it is.
    """
    if interrupted:
        sys.exit(INTERRUPTED)
    if any(wanted != written for wanted, written in outputs):
        sys.exit(MISTAKE)
