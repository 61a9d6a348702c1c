"""Rules for SciPy's functions of traced arrays, a file a module, each loaded when SciPy's is."""
