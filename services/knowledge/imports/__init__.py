"""Imports of whole folders: files are taken first, and worked at when their caller is gone.

`upload` takes the files into a `spool`, `import_run` is the work, `imports` joins the two as an
operation.
"""
