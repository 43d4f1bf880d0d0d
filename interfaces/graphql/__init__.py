"""The GraphQL API: one file a feature, named as in the domain."""
