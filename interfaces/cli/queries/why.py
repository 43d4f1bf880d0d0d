"""Documents about why things are as they are."""

from interfaces.cli.queries.events import EVENT_FIELDS

WHY = f"""
query Why($id: ID!, $asOf: Moment, $first: Int!, $after: String) {{
  why(id: $id, asOf: $asOf) {{
    kind objectId position total complete
    links(first: $first, after: $after) {{
      edges {{ node {{
        event {{ {EVENT_FIELDS} }} explains summary because {{ tie reference position summary }}
      }} }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}"""
