"""Has tests in all folders below import the modules that lie beside this file."""
