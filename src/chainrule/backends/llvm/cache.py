"""Object code on disk, so that the next process need not compile.

Each file is a header, a digest, and the code. Whatever is wrong with the directory or a file means
that nothing is cached, never an error: code can always be made again.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...config import config
from ...files import write_atomically

_MAGIC = b"chainrule code 1\n"
_SUFFIX = ".bin"


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
    path = directory() / (key + _SUFFIX)
    try:
        if not _trusted(path):
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
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = place / (key + _SUFFIX)
        content = _MAGIC + hashlib.sha256(payload).digest() + payload
        write_atomically(path, content)
        path.chmod(0o600)
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


def clear() -> int:
    """Remove all files; how many there were."""
    count = 0
    for path, _, _ in list(entries()):
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
    total = 0
    for path, size, _ in sorted(entries(), key=lambda entry: entry[2], reverse=True):
        if total + size > limit:
            with suppress(OSError):
                path.unlink()
        else:
            total += size
    return total


def _trusted(path: Path) -> bool:
    """Whether the file and its directory belong to this user: what is in it will be run."""
    if not hasattr(os, "getuid"):
        return True
    return all(
        status.st_uid == os.getuid() and not status.st_mode & 0o022
        for status in (path.stat(), path.parent.stat())
    )


def _say(message: str) -> None:
    if config.debug >= 1:
        print(f"chainrule: {message}", file=sys.stderr)
