"""What pg_dump writes: plain scripts with COPY, and archives of every format."""
