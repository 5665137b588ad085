"""Places on the globe; imported by `parcels.ipynb`."""
