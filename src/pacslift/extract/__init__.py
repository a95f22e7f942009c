"""Dump formats to tables: one module a format, a sniffer, the table store."""
