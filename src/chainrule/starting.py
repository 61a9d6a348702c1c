"""The first moments of the command `chainrule`, while modules load: no traceback then, either."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Never

MISTAKE, INTERRUPTED = 2, 130  # exit codes: the user can mend it; Ctrl-C


def is_command() -> bool:
    """Return whether Python runs our command, and not a program that imports us."""
    name = (getattr(sys, "argv", None) and sys.argv[0]) or ""
    if name == "-m":  # Python looks for the module that it is to run
        words = sys.orig_argv
        return "-m" in words and words[words.index("-m") + 1 :][:1] == ["chainrule"]
    folder, file = os.path.split(name)  # not by pathlib, which loads as long as a tenth of NumPy
    stem = os.path.splitext(file)[0]
    return stem == "chainrule" or (stem == "__main__" and os.path.basename(folder) == "chainrule")


def give_up(message: str) -> Never:
    """End the command with one line."""
    print(f"chainrule: {message}", file=sys.stderr)
    sys.exit(MISTAKE)


def begins_loading() -> None:
    """Let Ctrl-C end the command on the spot while its modules load."""
    is_main_thread = is_command() and threading.current_thread() is threading.main_thread()
    if is_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def ends_loading() -> None:
    """Make Ctrl-C Python's exception again once the modules are loaded."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)  # nothing is open yet, and half a module cannot be left in peace


begins_loading()  # by being loaded, before all else
