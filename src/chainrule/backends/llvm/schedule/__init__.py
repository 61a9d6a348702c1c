"""Scheduling: what runs together a tile of rows at a time, on which threads, and in which memory.

In: a `Plan`. Out: a `Schedule`: instructions cut into tiles, and an offset in the arena for every
buffer. Imports `plan`, `instructions` and `layout`.
"""
