"""Object code on disk, so that the next process need not compile.

Each file is a header, a digest, and the code. Whatever is wrong with the directory or a file means
that nothing is cached, never an error: code can always be made again. What other users could have
written is not run; that a folder is not used for this reason is said once.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ....config import config
from ....files import write_atomically
from ....forks import storing

_MAGIC = b"chainrule code 1\n"
_SUFFIX = ".bin"
_ABANDONED = 3600.0  # seconds after which nobody writes to a file any more that has no name yet
_told: set[Path] = set()


def directory() -> Path:
    """Where the files are: the user's cache directory, or ``CHAINRULE_CACHE_DIR``."""
    chosen = os.environ.get("CHAINRULE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "chainrule"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "chainrule" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chainrule"


def load(key: str) -> bytes | None:
    """What was stored under a key; None if it is not there, or not as it was stored."""
    if not config.cache:
        return None
    try:
        place = directory()
        path = place / (key + _SUFFIX)
        if _refused(place) or not path.exists():
            return None
        if not _safe(path.stat()):
            _say(f"{path} can be written by others: compiled again")
            return None
        content = path.read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: no home directory
        return None
    payload = content[len(_MAGIC) + 32 :]
    if content[: len(_MAGIC) + 32] != _MAGIC + hashlib.sha256(payload).digest():
        _say(f"{path} is damaged or foreign: compiled again")
        return None
    with suppress(OSError):
        os.utime(path)  # used last, removed last
    return payload


def store(key: str, payload: bytes) -> None:
    """Keep it, if the disk lets us; the oldest make room."""
    if not config.cache:
        return
    try:
        place = directory()
        if _refused(place):
            return
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = place / (key + _SUFFIX)
        content = _MAGIC + hashlib.sha256(payload).digest() + payload
        with storing:
            write_atomically(path, content, mode=0o600, durable=False)
            _sizes.added(place, len(content), config.cache * 2**20)
    except (OSError, RuntimeError) as error:
        _say(f"compiled code is not cached: {error}")


def entries() -> Iterator[tuple[Path, int, float]]:
    """The files with their bytes and when they were last used."""
    with suppress(OSError, RuntimeError):
        for entry in os.scandir(directory()):
            if entry.name.endswith(_SUFFIX):
                with suppress(OSError):  # another process may remove it
                    status = entry.stat()
                    yield Path(entry.path), status.st_size, status.st_mtime


def unfinished() -> Iterator[tuple[Path, int, float]]:
    """The same of files that are being written, or whose writer was killed."""
    with suppress(OSError, RuntimeError):
        for entry in os.scandir(directory()):
            if entry.name.startswith("."):
                with suppress(OSError):
                    status = entry.stat()
                    yield Path(entry.path), status.st_size, status.st_mtime


def unusable(place: Path) -> str | None:
    """Why a folder is not used, and what to do about it; None if it is, or will be made."""
    try:
        status = place.stat()
    except OSError:
        return None
    if _safe(status):
        return None
    if status.st_uid != os.getuid():
        return f"{place} belongs to another user: set CHAINRULE_CACHE_DIR to a folder of your own"
    mode = oct(status.st_mode & 0o777)[2:]
    return f"{place} can be written by other users (mode {mode}): chmod go-w {place}"


def clear() -> int:
    """Remove all files; how many there were."""
    count = 0
    for path, _, _ in [*entries(), *unfinished()]:
        with suppress(OSError):
            path.unlink()
            count += 1
    return count


class _Sizes:
    """How much the directory holds, so that not every new file has all others counted."""

    _OFTEN = 64  # new files until what other processes wrote is counted, too

    def __init__(self) -> None:
        self.place: Path | None = None
        self.total = self.unseen = 0

    def added(self, place: Path, size: int, limit: int) -> None:
        """A file was written; what was not used for longest makes room for it."""
        self.total, self.unseen = self.total + size, self.unseen + 1
        if place != self.place or self.total > limit or self.unseen >= self._OFTEN:
            self.place, self.total, self.unseen = place, _shrink(limit), 0


_sizes = _Sizes()


def _shrink(limit: int) -> int:
    """Remove what was not used for longest, until the rest fits; the bytes that stay."""
    total, now = 0, time.time()
    for path, size, begun in unfinished():
        if now - begun > _ABANDONED:
            with suppress(OSError):
                path.unlink()
        else:
            total += size
    for path, size, _ in sorted(entries(), key=lambda entry: entry[2], reverse=True):
        if total + size > limit:
            with suppress(OSError):
                path.unlink()
        else:
            total += size
    return total


def _safe(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user alone: what is in it will be run."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _refused(place: Path) -> bool:
    """Whether a folder is not used; the first time that is said."""
    reason = unusable(place)
    if reason is not None and place not in _told:
        _told.add(place)
        warnings.warn(f"compiled code is not kept on disk: {reason}", RuntimeWarning, stacklevel=2)
    return reason is not None


def _say(message: str) -> None:
    if config.debug >= 1:
        print(f"chainrule: {message}", file=sys.stderr)
