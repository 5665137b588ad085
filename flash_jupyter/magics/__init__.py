"""What the user types in a notebook: `%%remote`, `%remote` and `%flash`.

`line` and `values` are the grammar (pure), `remote` and `flash` are the magics (parse, hand over), `cell`
sends one cell and shows what comes back, `extension` is what `%load_ext` adds and `%unload_ext` takes away.
Loading must be quick: what needs `session` is imported at the first remote cell.
"""
