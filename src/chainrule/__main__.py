"""`python -m chainrule`: the command line, where the script `chainrule` is not on the path."""

from .cli import main

if __name__ == "__main__":
    main()
