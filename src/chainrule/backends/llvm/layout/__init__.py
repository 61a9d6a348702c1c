"""Memory: buffers and strided views of them, the arena, and the words of a frame.

Imports nothing else of the compiler.
"""
