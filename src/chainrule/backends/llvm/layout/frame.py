"""The frame: an array of 8-byte words, the only argument of compiled code.

Every running call has a frame of its own, so that threads may run one program at once.
"""

ARENA = 0  # address of the arena
LAST_POLL = 1  # clock when Python was last asked for signals
STATUS = 2  # why `main` ended early; 0 if it did not
HOST_CALLBACK = 3  # address of the function that has a node computed by NumPy
EXCEPTION = 4  # three words for an exception that a signal handler raised
POOL = 7  # address of the thread pool, or null
BUSY = 8  # 1 while a call uses the frame
AUTOTUNED_POOL = 9  # as POOL while an autotuned loop shares small work, else null
TILE_SIZE = 10  # rows that a thread claims at once, for work whose sharing is autotuned
FIRST_ARGUMENT = 11  # addresses of inputs, outputs, constants and of rows that loops advance

AUTOTUNE_WORDS = 7  # state of an autotuned loop

# Why `main` ended early: a signal handler raised, a computation by NumPy raised. A positive status
# is the number of a bounds check that failed.
INTERRUPTED, FAILED = -1, -2
