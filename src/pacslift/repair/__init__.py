"""The stored object made fit to send: its envelope, its private pixel compression, its header."""
