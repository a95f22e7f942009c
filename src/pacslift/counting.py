"""Numbers of things in sentences."""


def counted(number: int, one: str, many: str = "") -> str:
    """Give the number with its noun: "1 row", "2,000 rows"; *many* where it is not *one* and s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
