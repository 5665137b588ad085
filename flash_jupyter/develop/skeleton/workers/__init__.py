"""Functions that run on Runpod, one package for each kind of machine."""
