"""Writing files so that a reader meets the old one or the new one, and never half of one.

There is one way to write a whole file, `write_atomically`, and one to add to a log,
`append_durably`. A whole file is written beside its target under a name of its own, and locked as
long as its writer lives. A writer that is killed leaves its temporary file, unlocked, and the next
one that writes into that folder removes it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import IO, NamedTuple

PREFIX, SUFFIX = ".chainrule-", ".part"
DAY = 86_400.0  # seconds after which a file without a lock counts as abandoned
MOST_LINKS = 40  # as the kernel follows


class _Target(NamedTuple):
    """What a path is: a number of an open file of ours, or a path and what is there, if anything.

    Symbolic links are followed already.
    """

    path: Path
    state: os.stat_result | None
    descriptor: int | None

    @property
    def is_regular(self) -> bool:
        """Whether it is, or will be, a file that can be replaced."""
        return self.descriptor is None and (self.state is None or stat.S_ISREG(self.state.st_mode))


def write_atomically(
    path: str | Path, data: bytes, mode: int | None = None, durable: bool = True
) -> None:
    """Write `data` to a new file beside `path`, then put it in its place.

    Whatever goes wrong (a full disk, an interrupt, a folder without permission), a file that was
    at `path` before stays as it was, and nothing else is left behind. A symbolic link stays one:
    the file that it leads to is replaced, or made. A file that was there keeps its mode, owner and
    access list. Devices, pipes, and the names of open files such as ``/dev/stdout``, are written to
    and not replaced.

    Parameters
    ----------
    path : str or Path
    data : bytes
    mode : int, optional
        The file's permissions. Default: those of the file that was there, or what the umask leaves
        of 0o666.
    durable : bool
        Whether to wait until data and name are on the disk. What can be made again need not: after
        a power failure it may be empty.

    Raises
    ------
    OSError
        As of opening, writing or replacing.
    """
    target = _resolve(path)
    if not target.is_regular:
        _write_through(target, data)
        return
    with _temporary(target, mode) as (file, temporary):
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
        if os.name == "nt":  # where an open file cannot be renamed
            file.close()
        os.replace(temporary, target.path)
        if durable:
            _sync_folder(target.path.parent)


def append_durably(path: str | Path, data: bytes) -> None:
    """Add a line to a log, which is on the disk when this returns.

    If a writer was killed in the middle of a line, the new one begins on the next line. The file is
    opened anew each time, so that a log may be moved away while it is written.

    Parameters
    ----------
    path : str or Path
    data : bytes
        Written at once, so that two writers do not mix their lines.

    Raises
    ------
    OSError
        As of opening or writing.
    """
    target = _resolve(path)
    if not target.is_regular:
        _write_through(target, data)
        return
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(target.path, flags, 0o666), "r+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            data = data if file.read(1) == b"\n" else b"\n" + data
        while data:  # a disk that fills takes a part, and refuses the rest
            data = data[file.write(data) :]
        os.fsync(file.fileno())
    if target.state is None:
        _sync_folder(target.path.parent)


def check_writable(path: str | Path, n_bytes: int) -> None:
    """Find out whether so many bytes could be written to a path, leaving no trace.

    The room is really taken and given back, so that quotas and limits count as well.

    Raises
    ------
    OSError
        As `write_atomically` would raise.
    """
    target = _resolve(path)
    if not target.is_regular:
        if target.descriptor is not None:
            os.write(target.descriptor, b"")
        elif not os.access(target.path, os.W_OK):
            raise _error(errno.EACCES, path)
        return
    if target.state is not None:
        n_bytes = max(
            n_bytes, target.state.st_size
        )  # the old file stays until the new one is whole
    with _temporary(target, None) as (file, temporary):
        try:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        except AttributeError:
            if shutil.disk_usage(temporary.parent).free < n_bytes:
                raise _error(errno.ENOSPC, path) from None
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # not on this file system
                raise


def temporary_files(folder: str | Path) -> list[Path]:
    """Return the files in a folder that are being written, or were when their writer was killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        return [Path(e.path) for e in entries if _is_temporary(e.name)]
    return []


def remove_leftovers(folder: str | Path) -> int:
    """Remove the temporary files of writers that were killed; how many there were."""
    return sum(map(_remove_if_abandoned, temporary_files(folder)))


# What a path is


def _resolve(path: str | Path) -> _Target:
    path = Path(path)
    if "\0" in str(path):
        raise _error(errno.EINVAL, repr(str(path)))
    number = _descriptor(path)
    if number is not None:
        return _Target(path, None, number)
    real = Path(os.path.realpath(path))
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return _Target(real, None, None)
    if stat.S_ISDIR(state.st_mode):
        raise _error(errno.EISDIR, path)
    if not stat.S_ISREG(state.st_mode):
        return _Target(path, state, None)
    if not os.access(path, os.W_OK):
        raise _error(errno.EACCES, path)
    return _Target(real, state, None)


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path such as /dev/stdout names, or leads to.

    It is written to as it is: what a shell opened to append to is not cut, and what has no name any
    more is still reached.
    """
    descriptor_folder = re.compile(rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd")
    for _ in range(MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if descriptor_folder.fullmatch(folder) or descriptor_folder.fullmatch(str(path.parent)):
            return int(path.name) if path.name.isdecimal() else None
        if not path.is_symlink():
            return None
        path = Path(folder, os.readlink(path))
    return None  # links in a circle: opening says so


def _write_through(target: _Target, data: bytes) -> None:
    if target.descriptor is None:
        flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(target.path, flags)
    else:
        for stream in (sys.stdout, sys.stderr):  # what was printed before comes before
            with suppress(AttributeError, ValueError):
                stream.flush()
        handle = os.dup(target.descriptor)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _error(number: int, path: object) -> OSError:
    return OSError(number, os.strerror(number), str(path))


# Temporary files


@contextmanager
def _temporary(target: _Target, mode: int | None) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file beside its target, locked; removed in the end if it is still there."""
    folder = target.path.parent
    if os.path.realpath(folder) not in _swept:
        _swept.add(os.path.realpath(folder))
        remove_leftovers(folder)
    handle, temporary = _create_locked(folder, 0o600 if mode is not None or target.state else 0o666)
    file = os.fdopen(handle, "wb")
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(handle, mode)
        elif target.state is not None:
            _keep_permissions(handle, target.path, target.state)
        yield file, temporary
    finally:
        with suppress(OSError):
            temporary.unlink()
        with suppress(OSError):  # what could not be written is not written now
            file.close()


_swept: set[str] = set()  # folders where this process has looked for leftovers


def _create_locked(folder: Path, mode: int) -> tuple[int, Path]:
    while True:
        path = folder / f"{PREFIX}{_host()}-{secrets.token_hex(8)}{SUFFIX}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags, mode)
        try:
            _lock(handle, wait=True)
            gone = os.fstat(handle).st_nlink == 0  # another process swept it before it was locked
        except BaseException:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        if not gone:
            return handle, path
        os.close(handle)


def _keep_permissions(handle: int, old: Path, state: os.stat_result) -> None:
    """Let the new file be read and written by whom the old one might, and by no others."""
    mode = stat.S_IMODE(state.st_mode) & 0o777
    if hasattr(os, "fchmod"):
        new_state = os.fstat(handle)
        if new_state.st_gid != state.st_gid:
            try:
                os.fchown(handle, -1, state.st_gid)
            except OSError:  # it would be another group's: that has what everybody has
                mode = mode & ~0o070 | (mode & 0o007) << 3 & mode
        if new_state.st_uid != state.st_uid:
            with suppress(OSError):
                os.fchown(handle, state.st_uid, -1)
        os.fchmod(handle, mode)
    if hasattr(os, "listxattr"):
        with suppress(OSError):
            for name in os.listxattr(old):
                with suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(old, name))


def _sync_folder(folder: Path) -> None:
    """Let the new name outlast a power failure, where folders can be synchronised."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _host() -> str:
    """Return a few letters for this machine; locks say nothing about another one's files."""
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _is_temporary(name: str) -> bool:
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def _remove_if_abandoned(path: Path) -> bool:
    """Remove a temporary file unless its writer lives, or belongs to another user."""
    try:
        state = path.lstat()
        if hasattr(os, "getuid") and state.st_uid != os.getuid():
            return False
        if path.name.startswith(f"{PREFIX}{_host()}-") and os.name != "nt":
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if not _lock(handle, wait=False) and time() - state.st_mtime < DAY:
                    return False
                path.unlink()
            finally:
                os.close(handle)
        elif os.name == "nt" or time() - state.st_mtime >= DAY:
            path.unlink()  # Windows removes no file that is open
        else:
            return False
    except OSError:
        return False
    return True


if sys.platform == "win32":

    def _lock(handle: int, wait: bool) -> bool:
        return True
else:
    import fcntl

    def _lock(handle: int, wait: bool) -> bool:
        """Take the lock of a file; whether it is ours now.

        It ends with the process, however that ends.
        """
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # another's; or locks are unknown to this file system
            return False
        return True
