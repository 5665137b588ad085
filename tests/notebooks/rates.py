"""What a parcel costs; imported by `parcels.ipynb`."""

BASE_CENTS = 250
FREE_GRAMS = 500


def postage(grams: int, km: float) -> int:
    """Return cents: a base, one cent for each kilometre, one for each 10 g above what is free."""
    return BASE_CENTS + round(km) + max(0, grams - FREE_GRAMS) // 10
