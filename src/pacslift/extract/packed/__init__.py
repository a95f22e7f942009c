"""Where a dump's bytes come from: plain, packed, in archives, in parts."""
