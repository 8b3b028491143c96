"""What Schemathesis loads: how bodies are written that it has no way of its own for."""

import schemathesis


@schemathesis.serializer("application/jsonl")
def json_lines(context: schemathesis.SerializationContext, value: object) -> bytes:
    """A list file is sent as it was made up, or as its example is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
