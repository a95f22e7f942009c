"""Associations and workers: the C-STORE data plane."""
