"""While a project grows: `flash init` makes one, `flash run` serves its functions on this machine.

`skeleton/` has the files of a new project, as they are written; names that begin with `dot-` begin with a dot there.
"""
