"""Documents about events and about the state of the platform."""

EVENT_FIELDS = """
  position streamId version topic recordedAt occurredAt actor causationId correlationId data
"""

PAGE = f"""
query Events($first: Int!, $after: BigInt, $of: ID, $asOf: Moment) {{
  events(first: $first, after: $after, of: $of, asOf: $asOf) {{
    nodes {{ {EVENT_FIELDS} }} endPosition hasNextPage
  }}
}}"""

APPENDED = f"""
subscription Appended($after: BigInt, $of: ID) {{
  eventsAppended(after: $after, of: $of) {{ {EVENT_FIELDS} }}
}}"""

SYSTEM = """
query System {
  system {
    version environment head
    followers {
      name position lag lagSeconds stoppedPosition stoppedTopic stoppedError stoppedSince
    }
    outbox { kind waiting oldestSeconds }
  }
}"""

MODEL_CHANGED = f"""
subscription ModelChanged($modelId: ID!, $after: BigInt) {{
  modelChanged(modelId: $modelId, after: $after) {{
    model {{ id name status versions }} event {{ {EVENT_FIELDS} }}
  }}
}}"""
