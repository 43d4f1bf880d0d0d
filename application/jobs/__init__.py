"""Jobs: their kinds, how one is carried out, and what a worker promises."""
