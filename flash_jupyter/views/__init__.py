"""What a cell shows: streams, displays, the status line, the remote traceback, small tables.

A view gets data, never a client; `magics` says which event goes to which view.
"""
