"""Locks that a fork waits for, so that a child never inherits one that no thread will release.

A child has one thread: the one that forked. A lock that another thread held at that moment would
stay locked in it, and what it protects might be half done. So a fork takes all of these locks
first, like any other user of what they protect, and both sides release them.
"""

from __future__ import annotations

import os
import threading

# In the order in which they may be taken: who holds one takes only those after it
intercepting = threading.RLock()  # what is exchanged while functions are traced
compiling = threading.RLock()  # LLVM, and what is made by it
storing = threading.RLock()  # compiled code on disk
importing = threading.RLock()  # modules that load at first use
changing = threading.RLock()  # a few words that belong together

if hasattr(os, "register_at_fork"):
    # The first to be taken is registered last. Built-in methods, not functions of Python: nothing,
    # a Ctrl-C for instance, can come between a fork and the release.
    for _lock in (changing, importing, storing, compiling, intercepting):
        os.register_at_fork(
            before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
        )
