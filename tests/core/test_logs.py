"""What stands in the log when a role does not reach a page, and while the signal path is away."""

import io
import logging

import pytest
from celery.beat import SchedulingError
from django.core.exceptions import PermissionDenied
from redis.exceptions import ConnectionError as Away

from evcms.core.logs import OneLine


@pytest.fixture
def said():
    """(logger, what it wrote)"""
    page, logger = io.StringIO(), logging.Logger("test")
    handler = logging.StreamHandler(page)
    handler.addFilter(OneLine())
    logger.addHandler(handler)
    return logger, page.getvalue


@pytest.mark.parametrize(
    ("error", "message", "line"),
    [
        (PermissionDenied("not yours"), "Forbidden: /money/", "Forbidden: /money/: not yours"),
        (Away("connection refused"), "Unexpected exception in receive task",
         "Unexpected exception in receive task: connection refused"),
        (SchedulingError("connection refused"), "Message Error: connection refused\n['File runpy']",
         "Message Error: connection refused"),
    ],
)  # fmt: skip
def test_what_comes_from_outside_is_one_line(said, error, message, line):
    logger, page = said
    logger.error(message, exc_info=error)
    assert page() == f"{line}\n"


def test_whatever_else_breaks_keeps_its_traceback(said):
    logger, page = said
    try:
        raise KeyError("a defect")
    except KeyError:
        logger.exception("broken")
    assert "Traceback" in page()
    assert "a defect" in page()


def test_a_task_that_came_too_late_to_matter_is_no_news(said):
    logger, page = said
    logger.warning({"event": "task_revoked", "expired": True})
    assert page() == ""
    logger.warning({"event": "task_revoked", "expired": False, "terminated": True})
    assert "task_revoked" in page()


@pytest.mark.django_db
def test_a_mistyped_address_makes_everyday_lines_only(client, caplog):
    with caplog.at_level(logging.INFO):
        client.get("/c/NOSUCH1")
    told = [record for record in caplog.records if "/c/NOSUCH1" in record.getMessage()]
    assert [record.msg["event"] for record in told] == ["request_started", "request_finished"]
    assert {record.levelno for record in told} == {logging.INFO}
