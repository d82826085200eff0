"""A list as a file is sent while it is read, on either kind of server."""

from django.test import AsyncRequestFactory, RequestFactory

from evcms.dashboard import export


def rows(read):
    for number in range(1200):
        read.append(number)
        yield number, "=1+1"


def test_the_first_lines_leave_before_the_last_are_read():
    read = []
    answer = export.as_csv(RequestFactory().get("/"), "things", ("number", "text"), rows(read))
    first = next(iter(answer.streaming_content)).decode()
    assert first.splitlines()[:2] == ["number,text", "0,'=1+1"]
    assert len(read) < 600


async def test_a_signal_capable_server_gets_the_same_lines_piece_by_piece():
    answer = export.as_csv(AsyncRequestFactory().get("/"), "things", ("number", "text"), rows([]))
    assert answer.is_async
    pieces = [piece async for piece in answer.streaming_content]
    assert len(pieces) == 3
    assert len(b"".join(pieces).splitlines()) == 1201
    assert answer["Content-Disposition"] == 'attachment; filename="things.csv"'
