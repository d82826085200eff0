"""What `up` decides to run, from the environment."""

import pytest

from evcms.supervisor import parts, plan, ports


@pytest.fixture
def planned(tmp_path, monkeypatch):
    for name in ("REDIS_URL", "EMAIL_BACKEND", "EMAIL_HOST", "STRIPE_SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVCMS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EVCMS_REDIS_PORT", str(ports.some_free()))

    def make(demo=False, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return plan.make(demo=demo)

    return make


def names(what):
    return [part.name for part in parts.of(what)]


def test_the_real_thing_has_no_double_no_catcher_no_simulator(planned):
    what = planned()
    assert names(what) == ["valkey", "worker", "gateway", "web"]
    assert what.environment["EVCMS_DEMO"] == "0"
    assert "STRIPE_SECRET_KEY" not in what.environment
    assert "EMAIL_HOST" not in what.environment


def test_the_demo_has_them_all(planned):
    what = planned(demo=True)
    assert names(what) == ["valkey", "provider", "inbox", "worker", "gateway", "web", "simulator"]
    assert what.environment["STRIPE_API_BASE"] == "http://127.0.0.1:8420"
    assert what.environment["STRIPE_SECRET_KEY"].startswith("sk_test_")
    assert what.environment["EMAIL_PORT"] == "8025"


def test_the_demo_keeps_its_keys_for_the_second_start(planned):
    first, second = planned(demo=True).environment, planned(demo=True).environment
    assert first["STRIPE_WEBHOOK_SECRET"] == second["STRIPE_WEBHOOK_SECRET"]
    assert first["STRIPE_SECRET_KEY"] == second["STRIPE_SECRET_KEY"]


def test_the_demo_with_own_keys_talks_to_the_real_provider(planned):
    what = planned(demo=True, STRIPE_SECRET_KEY="sk_test_mine")
    assert "provider" not in names(what)
    assert "STRIPE_API_BASE" not in what.environment


def test_the_demo_with_an_own_mail_server_catches_nothing(planned):
    assert "inbox" not in names(planned(demo=True, EMAIL_HOST="smtp.example"))


def test_an_own_redis_replaces_the_embedded_one(planned):
    what = planned(REDIS_URL="redis://signals.example/0")
    assert names(what) == ["worker", "gateway", "web"]
    assert "REDIS_URL" not in what.environment


def test_further_gateways_listen_on_the_next_ports(planned):
    what = planned(EVCMS_GATEWAYS="3", EVCMS_OCPP_PORT="9100")
    made = {part.name: part.port for part in parts.of(what) if part.name.startswith("gateway")}
    assert made == {"gateway": 9100, "gateway-2": 9101, "gateway-3": 9102}


def test_a_stranger_on_the_port_of_the_signal_server_is_avoided(planned, monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        what = planned(EVCMS_REDIS_PORT=str(taken))
    assert what.redis_port != taken
    assert what.environment["REDIS_URL"].endswith(f"@127.0.0.1:{what.redis_port}/0")


def test_the_demo_stays_on_this_machine_and_chargers_reach_the_real_thing(planned):
    assert planned(demo=True).ocpp_host == "127.0.0.1"
    assert planned().ocpp_host == "0.0.0.0"
    assert planned().web_host == "127.0.0.1"


def test_the_demo_has_a_folder_of_its_own(planned, monkeypatch):
    monkeypatch.delenv("EVCMS_DATA_DIR")
    monkeypatch.setattr(plan, "secret", lambda *_: "x")
    assert planned(demo=True).environment["EVCMS_DATA_DIR"].endswith("/var/demo")
