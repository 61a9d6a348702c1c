"""Has tests in all folders below import `fuzz_graphs` and `stages`, which lie beside this file."""
