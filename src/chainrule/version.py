"""The version, where every layer may read it; `pyproject.toml` says the same (a test checks)."""

__version__ = "0.1.0"
