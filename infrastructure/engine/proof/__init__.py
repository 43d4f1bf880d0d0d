"""The proof: a variant beside its source, on the same inputs, in the runtime of its format."""
