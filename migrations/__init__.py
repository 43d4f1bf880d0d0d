"""Numbered SQL, applied in order by `edgewise migrate` and never changed once released."""
