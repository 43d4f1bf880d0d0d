"""How fast Edgewise is, measured: `make bench`, or `make bench ARGS="NAME …"` for some.

One module a benchmark, named as it is; each compares with a baseline that runs beside it, in the
same run on the same machine. Nothing here is a test: a slow machine fails no build.
"""
