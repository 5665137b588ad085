"""A local module that travels with a function."""


def twice(x: int) -> int:
    return 2 * x
