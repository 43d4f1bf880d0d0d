"""Prints the schema in GraphQL's own language: `python -m interfaces.graphql.print_schema`.

`schema.graphql` at the root of the repository is this, checked in, and a test compares them.
"""

import sys

from interfaces.graphql.schema import make_schema


def schema_text() -> str:
    """The text of schema.graphql."""
    return f"{make_schema().as_str()}\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
