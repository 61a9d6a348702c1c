"""The version of the package, where every layer may read it; the build reads it from here."""

__version__ = "0.2.0"
