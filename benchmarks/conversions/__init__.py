"""The conversion matrix: real models of public packages, a table of cases for each toolchain."""
