"""Tables to the canonical catalog; files on disk; catalog against files."""
