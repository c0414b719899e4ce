"""How local tooling refuses: one clear sentence, no traceback, a non-zero exit."""


class CannotRun(RuntimeError):
    """Something the stack needs is missing, broken or taken; the message is the sentence for the user."""
