"""Composition: configuration, plan, build, versioned store, card, Hub, and the `pedcorpus` command."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("pedcorpus")
except PackageNotFoundError:  # imported from a checkout that is not installed
    __version__ = "0+unknown"
