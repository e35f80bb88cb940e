"""What a person is told when the mesh cannot start or stop on this machine."""


class Problem(Exception):
    """One line that says what happened, and one that says what to do about it.

    Args:
        what: what happened, without a full stop, e.g. ``port 7401 is taken``.
        remedy: what to do, as an imperative, e.g. ``stop the process that holds it``.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy
