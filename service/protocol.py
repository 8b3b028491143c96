"""HTTP/1.1 on one connection: uvicorn's, with a problem for what it cannot read."""

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from service import problems


class Protocol(H11Protocol):
    """What is no HTTP request gets problem details too, and then the connection ends."""

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read; ``msg`` is h11's reason, which may quote it.

        What follows a request that was answered already gets no second answer.
        """
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        answer = problems.of_no_request()
        event = h11.Response(
            status_code=answer.status_code,
            headers=[*answer.raw_headers, (b"connection", b"close")],
            reason=b"Bad Request",
        )
        for part in (event, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(part))
        self.transport.close()
