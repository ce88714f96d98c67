"""What every command raises when the user's input is wrong."""


class UserError(ValueError):
    """The input is wrong: the message says the rule, the facts and the remedy.

    A command prints it without a traceback and exits with status 2.
    """


class RunFailedError(RuntimeError):
    """The input was right but the work failed (say, training diverged): exit status 1, no traceback."""
