"""Request bodies: into memory, within limits, and never half."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message, Scope

from hashing.errors import RecircError
from service.bodies import Bodies, BodyLimits
from service.callers import Caller
from service.callers import Scope as Allowed
from service.problems import BadMultipart, BodyTimeout, BodyTooLarge, Busy, EncodedBody
from service.refusals import KeyBusy

LIMITS = BodyLimits(body_bytes=1000, held_bytes=2000, idle_s=60.0, whole_s=60.0)


def request(chunks: Sequence[bytes], headers: dict[str, str], *, stall: bool = False) -> Request:
    """A request whose body comes in these chunks; with ``stall`` nothing comes after them."""
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    waiting = list(chunks)

    async def receive() -> Message:
        if waiting:
            more = len(waiting) > 1 or stall
            return {"type": "http.request", "body": waiting.pop(0), "more_body": more}
        if stall:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    return Request(scope, receive)


def received(
    *chunks: bytes,
    headers: dict[str, str] | None = None,
    limits: BodyLimits = LIMITS,
    stall: bool = False,
) -> bytes:
    async def read() -> bytes:
        async with Bodies(limits).received(request(chunks, headers or {}, stall=stall)) as body:
            return body.read()

    return asyncio.run(read())


def form(*parts: tuple[str, bytes], end: bytes = b"--\r\n") -> bytes:
    """A multipart body with boundary X of parts, each some header lines and its bytes."""
    written = b"".join(
        b"--X\r\n" + lines.encode() + b"\r\n\r\n" + data + b"\r\n" for lines, data in parts
    )
    return written + b"--X" + end


FILE = 'Content-Disposition: form-data; name="file"; filename="a.mp4"'
FIELD = 'Content-Disposition: form-data; name="list"'
FORM = {"Content-Type": "multipart/form-data; boundary=X"}


def split(whole: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in pairwise(places)]


@given(st.binary(max_size=400), st.lists(st.integers(0, 5000), max_size=6))
def test_a_raw_body_comes_whole_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    assert received(*split(body, cuts)) == body


@given(
    st.binary(max_size=300) | st.sampled_from([b"\r\n--", b"\r\n--X", b"\r", b"--X--", b"\r\n--Y"]),
    st.lists(st.integers(0, 5000), max_size=6),
)
def test_a_file_part_comes_whole_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    if b"\r\n--X" in b"\r\n" + data:  # then it would be no legal part
        return
    assert received(*split(form((FILE, data)), cuts), headers=FORM) == data


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(form(), id="no part"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"garbage", id="no boundary in it"),
        pytest.param(form((FIELD, b"a")), id="a field and no file"),
        pytest.param(form((FILE, b"1"), (FILE, b"2")), id="two files"),
        pytest.param(form((FILE, b"1"), (FIELD, b"a")), id="a field beside the file"),
        pytest.param(form((FIELD, b"a"), (FILE, b"1")), id="a field before the file"),
        pytest.param(form((FILE, b"1"), end=b"\r\n"), id="a part without headers at the end"),
        pytest.param(form((FILE, b"12345"))[:-9], id="cut off in the data"),
        pytest.param(form((FILE, b"12345"))[:40], id="cut off in the headers"),
        pytest.param(form(("Content-Type: video/mp4", b"1")), id="no disposition"),
        pytest.param(
            form((FILE + "\r\nContent-Transfer-Encoding: base64", b"MQ==")), id="base64 part"
        ),
        pytest.param(form(("\n".join(["x: y"] * 50), b"1")), id="broken headers"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "byte by byte"])
def test_multipart_that_is_not_one_whole_file_is_refused(body: bytes, at_once: bool) -> None:
    chunks = [body] if at_once else [bytes([byte]) for byte in body]

    with pytest.raises(BadMultipart):
        received(*chunks, headers=FORM)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 2000,
        "Multipart/Form-Data; charset=utf-8",
    ],
    ids=["no boundary", "a long boundary", "another parameter"],
)
def test_multipart_without_a_usable_boundary(content_type: str) -> None:
    with pytest.raises(BadMultipart, match="boundary"):
        received(form((FILE, b"1")), headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("length", "error"),
    [
        pytest.param("1000", None, id="just within"),
        pytest.param("1001", BodyTooLarge, id="just above"),
        pytest.param("9" * 5000, BodyTooLarge, id="thousands of digits"),
        pytest.param("0" * 5000 + "5", None, id="leading zeros"),
        pytest.param("-5", None, id="no length"),
        pytest.param("²", None, id="a digit that is none"),
    ],
)
def test_the_announced_length(length: str, error: type[RecircError] | None) -> None:
    headers = {"Content-Length": length}
    if error is None:
        assert received(b"body", headers=headers) == b"body"
    else:
        with pytest.raises(error, match="1000 bytes"):
            received(b"body", headers=headers)


def test_a_body_above_the_limit_is_refused_before_its_rest_is_read() -> None:
    """The third chunk passes the limit; the request then stalls, and nobody waits for it."""
    with pytest.raises(BodyTooLarge):
        received(b"x" * 400, b"x" * 400, b"x" * 201, stall=True)

    assert received(b"x" * 400, b"x" * 400, b"x" * 200) == b"x" * 1000


def test_a_lower_limit_of_a_route() -> None:
    async def read() -> None:
        async with Bodies(LIMITS).received(request([b"x" * 11], {}), 10):
            pass

    with pytest.raises(BodyTooLarge, match="10 bytes"):
        asyncio.run(read())


@pytest.mark.parametrize(
    ("encoding", "refused"),
    [("gzip", True), ("identity, br", True), ("identity", False), ("Identity", False)],
)
def test_encoded_bodies_are_refused(encoding: str, refused: bool) -> None:
    headers = {"Content-Encoding": encoding}
    if refused:
        with pytest.raises(EncodedBody):
            received(b"x", headers=headers)
    else:
        assert received(b"x", headers=headers) == b"x"


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(BodyLimits(body_bytes=9, held_bytes=9, idle_s=0.02), id="no byte"),
        pytest.param(BodyLimits(body_bytes=9, held_bytes=9, idle_s=60, whole_s=0.02), id="whole"),
    ],
)
def test_a_body_that_stalls_is_given_up(limits: BodyLimits) -> None:
    with pytest.raises(BodyTimeout):
        received(b"x", limits=limits, stall=True)


def test_a_body_that_drips_is_given_up_after_its_whole_time() -> None:
    """Each byte comes in time, all of them would not."""
    limits = BodyLimits(body_bytes=1000, held_bytes=1000, idle_s=60, whole_s=0.05)

    async def receive() -> Message:
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        async with Bodies(limits).received(Request(scope, receive)):
            pass

    with pytest.raises(BodyTimeout):
        asyncio.run(read())


@pytest.mark.parametrize(
    ("least_bytes_per_s", "fast_enough"), [(1e9, False), (0.01, True)], ids=["too slow", "fast"]
)
def test_a_body_has_to_come_at_the_least_rate(
    least_bytes_per_s: float, *, fast_enough: bool
) -> None:
    """Always another byte in time, and all of them before the whole time is up."""
    limits = BodyLimits(
        body_bytes=1000,
        held_bytes=1000,
        idle_s=60,
        whole_s=60,
        grace_s=0.05,
        least_bytes_per_s=least_bytes_per_s,
    )
    left = iter(range(100))

    async def receive() -> Message:
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b"x", "more_body": next(left) < 99}

    async def read() -> int:
        scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
        async with Bodies(limits).received(Request(scope, receive)) as body:
            return len(body.read())

    if fast_enough:
        assert asyncio.run(read()) == 100
    else:
        with pytest.raises(BodyTimeout, match="less than 1e\\+09 bytes a second"):
            asyncio.run(read())


def test_what_is_announced_and_has_no_room_is_refused_before_it_is_read() -> None:
    limits = BodyLimits(body_bytes=1000, held_bytes=1500)

    def unread(length: int) -> Request:
        sent = request([], {"Content-Length": str(length)})

        async def receive() -> Message:
            raise AssertionError("the body was read")

        return Request(sent.scope, receive)

    async def read() -> None:
        bodies = Bodies(limits)
        async with bodies.received(request([b"x" * 900], {})):
            with pytest.raises(Busy):
                async with bodies.received(unread(601)):
                    pass
            headers = {"Content-Length": "600"}
            async with bodies.received(request([b"x" * 600], headers)) as body:
                assert len(body.read()) == 600

    asyncio.run(read())


def test_announcing_much_takes_no_room_from_others() -> None:
    async def read() -> None:
        bodies = Bodies(BodyLimits(body_bytes=1000, held_bytes=1000))
        slow = request([b"x"], {"Content-Length": "1000"}, stall=True)
        sending = asyncio.ensure_future(bodies.take(slow))
        await asyncio.sleep(0)
        async with bodies.received(request([b"x" * 999], {"Content-Length": "999"})):
            pass
        sending.cancel()

    asyncio.run(read())


def of_key(key: str, *chunks: bytes) -> Request:
    asking = request(chunks, {})
    asking.scope["state"] = {"caller": Caller(key, Allowed.CHECK)}
    return asking


def test_one_key_leaves_room_for_others() -> None:
    async def read() -> None:
        bodies = Bodies(BodyLimits(body_bytes=1000, held_bytes=2000, key_held_bytes=1000))
        async with bodies.received(of_key("a", b"x" * 600)):
            for _ in range(2):
                with pytest.raises(KeyBusy):
                    async with bodies.received(of_key("a", b"x" * 401)):
                        pass
            async with bodies.received(of_key("b", b"x" * 1000)):
                pass
        async with bodies.received(of_key("a", b"x" * 1000)):
            pass

    asyncio.run(read())


def test_a_body_that_is_kept_counts_until_it_is_let_go() -> None:
    async def read() -> None:
        bodies = Bodies(BodyLimits(body_bytes=1000, held_bytes=1000))
        held = await bodies.take(request([b"x" * 900], {}))
        with pytest.raises(Busy):
            await bodies.take(request([b"x" * 900], {}))
        for _ in range(2):  # a second time does nothing
            held.let_go()
        await bodies.take(request([b"x" * 900], {}))
        with pytest.raises(Busy):
            await bodies.take(request([b"x" * 900], {}))

    asyncio.run(read())


def test_all_bodies_together_are_bounded_and_room_comes_back() -> None:
    async def read() -> None:
        bodies = Bodies(BodyLimits(body_bytes=1000, held_bytes=1500))
        async with bodies.received(request([b"x" * 900], {})):
            for _ in range(3):  # what was refused holds nothing
                with pytest.raises(Busy):
                    async with bodies.received(request([b"x" * 900], {})):
                        pass
            async with bodies.received(request([b"x" * 600], {})) as body:
                assert len(body.read()) == 600
        for _ in range(3):  # nor does what was answered, or failed
            async with bodies.received(request([b"x" * 1000], {})):
                pass
            with pytest.raises(BadMultipart):
                async with bodies.received(request([b"x" * 1000], FORM)):
                    pass

    asyncio.run(read())
