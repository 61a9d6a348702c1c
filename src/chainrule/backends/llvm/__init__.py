"""The native compiler: a graph to machine code, in stages that are folders.

::

    Graph -fuse-> FusedGraph -plan-> Plan -schedule-> Schedule -emit-> ModuleText -> program

`backend.py` looks for a program on disk, else `compiler.py` runs the stages one after the other;
`tiering.py` repeats code generation, optimised.
A stage takes an immutable value and returns one. Beside the stages there are libraries, lowest
first: `target`, `ir`, `layout`, `kernels`, `expressions`, `codegen`, `instructions`; and what comes
after a module: `cache`, `runtime`, `program`, `debug`.
"""
