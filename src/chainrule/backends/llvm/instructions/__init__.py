"""The instructions of a plan, one kind a file: what it touches, its cost, its text, its code.

All later stages call the methods of `base.Instruction` and do not ask for the kind, and the rule
that makes an instruction of a node lies in the same file (`RULES`, see `planning`). So a new kind
is one new file here. That is why planning may import instructions, which can write code, but
nothing that writes code by itself. Imports all folders listed above it in the compiler's order.
"""
