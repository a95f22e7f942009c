"""Query of the target, the account, the report."""
