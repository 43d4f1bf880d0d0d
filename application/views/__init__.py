"""Views: what people look at, folded from events. One file a feature, beside its row types."""
