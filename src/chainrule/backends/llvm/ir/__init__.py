"""LLVM IR as text: a builder whose values know their dtype and combine as NumPy's numbers do.

In: calls of a `FunctionBuilder`. Out: the text of a `Module`, vectorised and in SSA form, so that
no optimisation pass needs to run on it. Imports only `target`.
"""
