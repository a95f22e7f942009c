"""SQL scripts of any product: statements, tables and rows."""
