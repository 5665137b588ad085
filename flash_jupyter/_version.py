"""The one version number; the wheel, the command line and the embedded Runpod read it."""

__version__ = "0.1.0"
