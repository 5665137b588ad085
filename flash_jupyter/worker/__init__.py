"""What runs over there: the driver, and the loop that takes jobs on the embedded Runpod.

Rule: only the standard library, cloudpickle, `errors` and `capsule` are imported here; it is shipped to workers.
"""
