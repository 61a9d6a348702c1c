"""The tools that instructions write their code with: loop nests, vector loops, reductions.

In: expressions and views. Out: lines of a function of `ir`. An `Emitter` is what an instruction's
`emit` is given. Imports `expressions`, `kernels`, `layout`, `ir` and `target`.
"""
