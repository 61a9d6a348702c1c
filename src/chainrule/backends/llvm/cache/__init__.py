"""The disk cache: a digest of a graph, and files of bytes under such digests.

Imports nothing else of the compiler.
"""
