"""What the slots of a frame hold: 8 bytes each, the first argument of all compiled code."""

ARENA = 0  # the arena's address
TICK = 1  # when Python was last asked for signals
ERROR = 2  # why `main` ended early; 0 if it did not
REFERENCE = 3  # the function that has a node computed by NumPy
RAISED = 4  # three for an exception that a signal's handler raised
POOL = 7  # the threads that share the work, or null
BUSY = 8  # 1 while a call uses the frame
NEAR = 9  # POOL while sharing small work pays, else null
CHUNK = 10  # how much of work that may be shared a task takes at a time
FIRST = 11  # inputs, outputs, constants, rows that loops move on

# Why `main` ended early: a signal's handler raised, a computation by NumPy raised; if it is
# positive, the site of an index out of bounds
INTERRUPTED, FAILED = -1, -2
