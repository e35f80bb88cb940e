"""PDF, Word, Excel and HTML files become Markdown, in a process of their own.

`reader` is the way in; `converter` looks after the process, `process` is its inside. The modules
named after kinds of files run only there.
"""
