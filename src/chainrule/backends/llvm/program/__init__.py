"""A compiled graph as a function of arrays, and as bytes.

In: a `Schedule` and a `ModuleText`, or bytes of the disk cache. Out: a `NativeProgram`.
Imports `runtime`, `debug`, `schedule`, `emit`, `layout` and `target`.
"""
