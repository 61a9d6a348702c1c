"""Emission: a schedule to the text of one module, whose `main` takes a frame.

In: a `Schedule`. Out: a `ModuleText`. Instructions write themselves, so this folder only begins
and ends the module. Imports `schedule`, `codegen`, `ir`, `layout` and `target`.
"""
