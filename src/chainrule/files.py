"""Writing files so that a reader meets the old one or the new one, and never half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write `data` to a new file beside `path`, then put it in its place.

    Whatever goes wrong (a full disk, an interrupt, a folder without permission), a file that was
    at `path` before stays as it was, and nothing else is left behind.

    Raises
    ------
    OSError
        As of opening, writing or replacing.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)  # mkstemp's own is 0o600
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
