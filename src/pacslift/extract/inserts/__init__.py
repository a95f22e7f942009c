"""INSERT statements: where their rows begin and end, and what stands in them."""
