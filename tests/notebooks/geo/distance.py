"""How far two places are apart."""

from math import asin, cos, radians, sin, sqrt

from .earth import RADIUS_KM


def kilometres(start: list[float], end: list[float]) -> float:
    """Return the great-circle distance of two places, each latitude and longitude in degrees."""
    (lat1, lon1), (lat2, lon2) = ([radians(value) for value in place] for place in (start, end))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * RADIUS_KM * asin(sqrt(half))
