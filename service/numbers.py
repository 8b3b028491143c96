"""Numbers as JSON has them."""


def whole(untrusted: object) -> object:
    """JSON has one kind of numbers: 1.0 is a whole one."""
    if isinstance(untrusted, float) and untrusted.is_integer():
        return int(untrusted)
    return untrusted
