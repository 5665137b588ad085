"""`@remote`: functions, classes and routes that run on Runpod.

`declare` reads what the user wrote, `functions` and `classes` are what a decorated thing becomes, `calling` how one of
them is called, `output` what comes back.
"""
