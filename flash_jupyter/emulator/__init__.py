"""The embedded Runpod: control plane, queue data plane and workers of one machine, in a process of its own.

Rule: it never imports the client's models of an answer (`wire`, `transport`, `session`); both meet at the examples of
`tests/contract`, at the official OpenAPI document, and at software that neither of us wrote.
"""
