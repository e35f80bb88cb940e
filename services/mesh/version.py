"""The release of Kefu that this is."""

__version__ = "0.1.0"
