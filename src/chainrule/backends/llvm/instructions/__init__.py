"""The instructions of a plan, one kind a file: what it touches, its cost, its text, its code.

All later stages call the methods of `base.Instruction` and do not ask for the kind, so that a new
kind is one new file here, made by a rule in `plan`. That is why planning may import instructions,
which can write code, but nothing that writes code by itself. Imports all folders listed above it in
the compiler's order.
"""
