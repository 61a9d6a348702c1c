"""The CPU that code is made for, and the way from IR text to code in memory.

In: the text of a module. Out: object code, and addresses of its functions.
Imports nothing else of the compiler.
"""
