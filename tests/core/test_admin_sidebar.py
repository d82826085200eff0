"""The admin's left bar leads where it says, in groups, under words that people use."""

import pytest
from django.contrib import admin
from django.test import Client

from evcms import sidebar
from evcms.core.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def front():
    client = Client()
    client.force_login(
        User.objects.create_superuser("root@evcms.example", "pw"), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client.get("/admin/", follow=True).text


def test_every_entry_of_the_bar_is_a_page_of_the_admin():
    known = {f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry}
    links = [str(item["link"]) for group in sidebar.groups() for item in group["items"]]
    assert set(links) <= known
    assert len(set(links)) == len(links)


def test_the_bar_stands_in_groups_on_the_front_page(front):
    for title, _models in sidebar.GROUPS:
        assert str(title) in front
    for word in ("Session watches", "ID tokens", "API tokens"):
        assert word in front
    assert "Session watchs" not in front
