"""The globe."""

RADIUS_KM = 6371.0
