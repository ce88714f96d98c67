"""What every command raises when it cannot continue; `nnlab.exit_status` turns it into a message and a status."""


class UserError(ValueError):
    """The input is wrong: the message says the rule, the facts and the remedy."""


class RunFailedError(RuntimeError):
    """The input was right but the work failed (say, training diverged); the message says what is known."""


class TerminatedError(KeyboardInterrupt):
    """The system asked the process to end (SIGTERM), or its terminal was closed (SIGHUP); the message says which."""
