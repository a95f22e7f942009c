"""Time in tests."""


class Clock:
    """Time that passes when the test says so, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now
