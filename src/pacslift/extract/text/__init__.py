"""Delimited text, described by a manifest."""
