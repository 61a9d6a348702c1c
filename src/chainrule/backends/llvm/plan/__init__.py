"""Planning: steps to instructions over buffers.

In: a `FusedGraph`. Out: a `Plan`: instructions, with a view for every operand and result. Carries
of loops are updated in place where that is safe. `plan.RULES` says which function plans which
primitive. Imports `fuse`, `expressions`, `instructions` and `layout`.
"""
