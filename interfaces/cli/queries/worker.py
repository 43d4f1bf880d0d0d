"""Documents about the processes that carry out jobs."""

LIST = """
query Workers {
  workers { id host kinds capabilities facts startedAt seenAt silent }
}"""
