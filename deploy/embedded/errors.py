"""What can go wrong, said in one line that names the way out."""


class StackError(Exception):
    """The stack cannot do what was asked; the message is all a user needs."""


class Misconfigured(StackError):
    """A SHOP_* setting makes no sense."""


class PortTaken(StackError):
    """Somebody else listens where the stack wants to."""


class Missing(StackError):
    """A program or a right this machine does not give."""


class NotReady(StackError):
    """A process did not become ready in time."""


class AlreadyRunning(StackError):
    """This home's stack is up already; `same` tells whether with the settings asked for."""

    def __init__(self, message: str, same: bool) -> None:
        """Keep the answer beside the message."""
        super().__init__(message)
        self.same = same


class NotRunning(StackError):
    """There is no stack to talk to."""
