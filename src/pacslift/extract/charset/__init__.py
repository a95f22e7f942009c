"""Character sets: what is declared, what the bytes say, what was damaged before."""
