"""A live or restored database over ODBC."""
