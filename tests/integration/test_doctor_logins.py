"""`doctor` on log-ins: a wrong password, and a certificate that ends soon (contract C12.6)."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from myfy_data.cli.doctor import server
from myfy_data.cli.doctor.certificate import own_certificate_end
from myfy_data.settings.urls import ConnectionURL
from tests.integration.test_doctor import look, told, write
from tests.sandbox import Sandbox
from tests.servers import NoServerError
from tests.tls_servers import Certificates, TLSServer, tls_mariadb, tls_postgresql

pytestmark = pytest.mark.filterwarnings("ignore:unclosed (transport )?<:ResourceWarning")
"""asyncio says farewell on a TLS line a moment after the loop of a command has ended; a test runs several commands."""

STARTS = {"postgresql": tls_postgresql, "mysql": tls_mariadb}
KINDS = [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mysql", marks=pytest.mark.mysql)]
DAY = 86400.0


@pytest.fixture(scope="module")
def tls_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TLSServer]]:
    """A server of each kind that is installed, with a certificate of our own."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    with ExitStack() as stack:
        servers: dict[str, TLSServer] = {}
        for kind, start in STARTS.items():
            try:
                servers[kind] = stack.enter_context(start(certificates))
            except NoServerError as error:
                pytest.skip(str(error))
        yield servers


@pytest.fixture(autouse=True)
def closed_lines() -> Iterator[None]:
    """Let go of TLS lines here, and of none in another module's test."""
    yield
    gc.collect()


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_ends_soon(
    project: Sandbox, tls_servers: dict[str, TLSServer], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tls_servers[kind]
    authority = found.certificates.authority
    write(project, found.url(), f'tls = "verify-full"\ntls_ca = "{authority}"\n')
    good = look(project, "certificate")
    assert good is not None
    days = int(good.message.rpartition(" for ")[2].split(" ")[0])
    real = server.now()
    monkeypatch.setattr(server, "now", lambda: real + (days - 5) * DAY)
    soon = look(project, "certificate")

    assert (good.status, soon is not None and soon.status) == ("ok", "warn")
    assert soon is not None
    assert soon.message.startswith("the server's certificate ends in 5 days")


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_our_own_that_ends_soon(
    project: Sandbox, tls_servers: dict[str, TLSServer], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tls_servers[kind]
    folder = found.certificates.folder
    own = f'tls_cert = "{folder}/client.crt"\ntls_key = "{folder}/client.key"\n'
    write(project, found.url(), f'tls = "verify-full"\ntls_ca = "{found.certificates.authority}"\n{own}')
    good = look(project, "client-certificate")
    end = own_certificate_end(folder / "client.crt")
    assert good is not None
    assert end is not None
    monkeypatch.setattr(server, "now", lambda: end - 5.5 * DAY)
    soon = look(project, "client-certificate")
    monkeypatch.setattr(server, "now", lambda: end + DAY)
    over = look(project, "client-certificate")

    assert (good.status, soon and soon.message.partition(",")[0], over and over.message.partition(",")[0]) == (
        "ok",
        "the client's certificate ends in 5 days",
        "the client's certificate has ended",
    )


def test_the_end_of_a_certificate_is_what_ssl_reads(tls_servers: dict[str, TLSServer]) -> None:
    authority = next(iter(tls_servers.values())).certificates.authority
    context = ssl.create_default_context(cafile=str(authority))
    [told] = context.get_ca_certs()

    assert own_certificate_end(authority) == ssl.cert_time_to_seconds(str(told["notAfter"]))


@pytest.mark.parametrize("kind", KINDS[:1])
def test_a_certificate_that_nothing_verifies_is_not_judged(
    project: Sandbox, tls_servers: dict[str, TLSServer], kind: str
) -> None:
    write(project, tls_servers[kind].url(), 'tls = "require"\n')

    assert told(project, "tls") == ("ok", "")
    assert look(project, "certificate") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nothing_verifies_is_told_to_other_machines(
    project: Sandbox, tls_servers: dict[str, TLSServer], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tls_servers[kind]
    monkeypatch.setattr(ConnectionURL, "is_loopback", False)
    write(project, found.url(), 'tls = "require"\n')
    before = told(project, "tls")
    write(project, found.url(), f'{before[1].partition("main.")[2]}\ntls_ca = "{found.certificates.authority}"\n')

    assert before == ("warn", 'profiles.main.tls = "verify-full"')
    assert told(project, "tls") == ("ok", "")


@pytest.mark.mysql
def test_a_wrong_password(project: Sandbox, mysql_url: str) -> None:
    user = mysql_url.replace("//", "//nobody:CANARY-pw@", 1) if "@" not in mysql_url else None
    head, _, tail = mysql_url.partition("@")
    write(project, user or f"{head.partition('://')[0]}://nobody:CANARY-pw@{tail}")
    finding = look(project, "connection")

    assert finding is not None
    assert (finding.status, "user 'nobody'" in finding.message, "CANARY" in str(finding)) == ("fail", True, False)
    assert finding.fix.startswith("correct username and password")
