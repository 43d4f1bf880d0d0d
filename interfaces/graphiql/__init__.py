"""GraphiQL, the page for trying queries out, served from this installation alone."""
