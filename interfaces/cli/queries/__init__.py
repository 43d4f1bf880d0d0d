"""The GraphQL documents of the CLI, one file a feature."""
