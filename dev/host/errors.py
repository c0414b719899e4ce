"""Why the host refuses to start."""


class HostRefused(Exception):
    """The host cannot run this app as configured; the message is one sentence for the developer."""
