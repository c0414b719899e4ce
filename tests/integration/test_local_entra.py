"""The stand-in for Entra ID as its users see it: PyJWT verifying, msal signing in, a restart in between."""

import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import msal
import pytest
import requests
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from dev.entra.server import listen
from dev.entra.sign_ins import CLIENT_SECRET
from dev.entra.tokens import API_AUDIENCE, ca_file, entra_object_guid, entra_tenant_guid, mint

pytestmark = pytest.mark.integration

TENANT = entra_tenant_guid("acme")
EMAIL = "dana.ops@acme.example"
CALLBACK = "https://localhost:1/auth/callback"
SCOPES = [f"api://{API_AUDIENCE}/access"]
VERIFIER = "a-verifier-that-is-long-enough-for-pkce-0123456789"


@contextmanager
def running(data: Path, port: int = 0) -> Iterator[int]:
    server = listen(port=port, data=data)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("entra") / "data"


@pytest.fixture(scope="module")
def port(data: Path) -> Iterator[int]:
    with running(data) as bound:
        yield bound


def a_browser(data: Path) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=ca_file(data)), trust_env=False)


def a_token(data: Path, port: int, **changes: Any) -> str:
    wanted = {"tenant_id": TENANT, "role": "engineer", "email": EMAIL, "audience": API_AUDIENCE} | changes
    return mint(data, port=port, **{"now": datetime.now(UTC), **wanted})


def verified(data: Path, port: int, token: str, tenant_id: str = TENANT) -> dict[str, Any]:
    """The token's claims, by way of discovery and the published keys, as a resource server finds them."""
    with a_browser(data) as browser:
        where = f"https://localhost:{port}/{tenant_id}/v2.0/.well-known/openid-configuration"
        found = browser.get(where).json()
        keys = jwt.PyJWKSet.from_dict(browser.get(found["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=API_AUDIENCE, issuer=found["issuer"])


def an_application(data: Path, port: int) -> msal.ConfidentialClientApplication:
    http = requests.Session()
    # Without this, REQUESTS_CA_BUNDLE in the environment wins over `verify`.
    http.trust_env = False
    http.verify = str(ca_file(data))
    return msal.ConfidentialClientApplication(
        API_AUDIENCE,
        client_credential=CLIENT_SECRET,
        authority=f"https://localhost:{port}/{TENANT}",
        instance_discovery=False,
        http_client=http,
    )


def sign_in(data: Path, flow: dict[str, Any], *, role: str = "engineer") -> dict[str, str]:
    """What the browser posts to the application after the form."""
    with a_browser(data) as browser:
        assert browser.get(flow["auth_uri"]).status_code == 200
        page = browser.post(flow["auth_uri"], data={"email": EMAIL, "role": role}).text
    assert f'action="{CALLBACK}"' in page
    return dict(re.findall(r'name="([^"]+)" value="([^"]+)"', page))


def a_flow(application: msal.ConfidentialClientApplication) -> dict[str, Any]:
    return application.initiate_auth_code_flow(SCOPES, redirect_uri=CALLBACK, response_mode="form_post")


def test_a_minted_token_verifies_against_the_published_keys(data: Path, port: int) -> None:
    claims = verified(data, port, a_token(data, port))

    assert claims["iss"] == f"https://localhost:{port}/{TENANT}/v2.0"
    assert (claims["ver"], claims["tid"], claims["oid"]) == ("2.0", TENANT, entra_object_guid(EMAIL))
    assert (claims["preferred_username"], claims["name"], claims["roles"]) == (EMAIL, "Dana Ops", ["engineer"])


def test_a_token_stays_valid_over_a_restart_on_the_same_port(tmp_path: Path) -> None:
    with running(tmp_path / "data") as first:
        token, authority = a_token(tmp_path / "data", first), ca_file(tmp_path / "data").read_bytes()
    with running(tmp_path / "data", first):
        assert verified(tmp_path / "data", first, token)["tid"] == TENANT
    assert ca_file(tmp_path / "data").read_bytes() == authority


def test_a_token_of_another_tenant_fails_on_its_issuer(data: Path, port: int) -> None:
    token = a_token(data, port, tenant_id=entra_tenant_guid("globex"))
    with pytest.raises(jwt.InvalidIssuerError):
        verified(data, port, token)


def test_a_token_signed_with_another_data_directory_is_not_known(data: Path, port: int, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        verified(data, port, a_token(tmp_path, port))


def test_an_expired_token_is_refused(data: Path, port: int) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(data, port, a_token(data, port, now=datetime.now(UTC) - timedelta(hours=2)))


def test_the_published_keys_hold_nothing_private(data: Path, port: int) -> None:
    with a_browser(data) as browser:
        published = browser.get(f"https://localhost:{port}/{TENANT}/discovery/v2.0/keys").json()["keys"]
    assert [set(key) for key in published] == [{"kty", "n", "e", "kid", "use", "alg"}]


def test_what_is_not_a_directory_guid_is_not_found(data: Path, port: int) -> None:
    with a_browser(data) as browser:
        answer = browser.get(f"https://localhost:{port}/acme/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 404


def test_everything_secret_is_readable_by_its_owner_only(data: Path, port: int) -> None:
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()} == {
        "signing-key.pem": 0o600,
        "ca-key.pem": 0o600,
        "ca.pem": 0o600,
    }


def test_msal_signs_in_with_pkce_state_and_nonce_and_refreshes(data: Path, port: int) -> None:
    application = an_application(data, port)
    flow = a_flow(application)

    first = application.acquire_token_by_auth_code_flow(flow, sign_in(data, flow))
    again = application.acquire_token_by_refresh_token(first["refresh_token"], scopes=SCOPES)

    assert first["id_token_claims"]["oid"] == entra_object_guid(EMAIL)
    assert first["id_token_claims"]["aud"] == API_AUDIENCE
    claims = verified(data, port, first["access_token"])
    assert (claims["roles"], claims["scp"], claims["tid"]) == (["engineer"], "access", TENANT)
    assert verified(data, port, again["access_token"])["oid"] == entra_object_guid(EMAIL)


def test_msal_keeps_the_account_and_answers_silently(data: Path, port: int) -> None:
    application = an_application(data, port)
    flow = a_flow(application)
    application.acquire_token_by_auth_code_flow(flow, sign_in(data, flow))

    (account,) = application.get_accounts()

    assert account["home_account_id"] == f"{entra_object_guid(EMAIL)}.{TENANT}"
    assert "access_token" in application.acquire_token_silent(SCOPES, account)


def test_a_person_without_a_role_gets_a_token_without_roles(data: Path, port: int) -> None:
    application = an_application(data, port)
    flow = a_flow(application)
    answer = application.acquire_token_by_auth_code_flow(flow, sign_in(data, flow, role=""))
    assert "roles" not in verified(data, port, answer["access_token"])


def exchange(data: Path, port: int, tenant_id: str = TENANT, **form: str) -> httpx.Response:
    fixed = {"grant_type": "authorization_code", "client_id": API_AUDIENCE, "redirect_uri": CALLBACK}
    with a_browser(data) as browser:
        return browser.post(f"https://localhost:{port}/{tenant_id}/oauth2/v2.0/token", data=fixed | form)


def a_code(data: Path, port: int) -> str:
    asked = {
        "response_type": "code",
        "client_id": API_AUDIENCE,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "s",
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    with a_browser(data) as browser:
        answer = browser.post(
            f"https://localhost:{port}/{TENANT}/oauth2/v2.0/authorize", params=asked, data={"email": EMAIL}
        )
    brought = parse_qs(urlsplit(answer.headers["location"]).query)
    assert brought["state"] == ["s"]
    return brought["code"][0]


def test_a_code_works_once(data: Path, port: int) -> None:
    code = a_code(data, port)
    assert exchange(data, port, code=code, code_verifier=VERIFIER).status_code == 200
    assert exchange(data, port, code=code, code_verifier=VERIFIER).json()["error"] == "invalid_grant"


def test_a_refresh_token_works_once(data: Path, port: int) -> None:
    first = exchange(data, port, code=a_code(data, port), code_verifier=VERIFIER).json()["refresh_token"]
    answers = [exchange(data, port, grant_type="refresh_token", refresh_token=first).json() for _ in range(2)]
    assert answers[0]["refresh_token"] != first
    assert answers[1]["error"] == "invalid_grant"


def test_a_code_needs_its_own_verifier(data: Path, port: int) -> None:
    code = a_code(data, port)
    assert exchange(data, port, code=code, code_verifier="x" * 43).json()["error"] == "invalid_grant"


def test_a_code_of_one_tenant_is_unknown_to_another(data: Path, port: int) -> None:
    code = a_code(data, port)
    answer = exchange(data, port, entra_tenant_guid("globex"), code=code, code_verifier=VERIFIER)
    assert answer.json()["error"] == "invalid_grant"


def test_whoever_signs_in_at_organizations_does_so_in_the_directory_of_their_address(data: Path, port: int) -> None:
    organizations = "organizations"
    asked = {"response_type": "code", "client_id": API_AUDIENCE, "redirect_uri": CALLBACK, "scope": "openid"}
    challenge = {"code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256"}
    with a_browser(data) as browser:
        where = f"https://localhost:{port}/{organizations}/oauth2/v2.0/authorize"
        answer = browser.post(where, params=asked | challenge, data={"email": "dana@globex.example"})
        common = browser.get(f"https://localhost:{port}/common/discovery/v2.0/keys").json()
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    issued = exchange(data, port, organizations, code=code, code_verifier=VERIFIER).json()
    globex = entra_tenant_guid("globex")
    assert verified(data, port, issued["access_token"], globex)["tid"] == globex
    assert jwt.get_unverified_header(issued["id_token"])["kid"] == common["keys"][0]["kid"]
    assert verified(data, port, issued["id_token"], globex)["iss"] == f"https://localhost:{port}/{globex}/v2.0"


def test_a_wrong_client_secret_is_refused(data: Path, port: int) -> None:
    code = a_code(data, port)
    answer = exchange(data, port, code=code, code_verifier=VERIFIER, client_secret="wrong")
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "change", [{"redirect_uri": "https://evil.example/callback"}, {"client_id": "somebody-else"}]
)
def test_an_unknown_client_or_a_redirect_elsewhere_never_sees_the_form(
    data: Path, port: int, change: dict[str, str]
) -> None:
    asked = {"response_type": "code", "client_id": API_AUDIENCE, "redirect_uri": CALLBACK, "scope": "openid"}
    with a_browser(data) as browser:
        answer = browser.get(f"https://localhost:{port}/{TENANT}/oauth2/v2.0/authorize", params=asked | change)
    assert answer.status_code == 400


def test_a_client_that_connects_and_says_nothing_does_not_block_the_others(data: Path, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        assert verified(data, port, a_token(data, port))


def a_serving_process(data: Path, port: int) -> subprocess.Popen[str]:
    program = (
        f"from pathlib import Path; from dev.entra.server import serve; serve(port={port}, data=Path({str(data)!r}))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(data: Path, signum: signal.Signals) -> None:
    with a_serving_process(data, 0) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("entra: https://localhost:")
        process.send_signal(signum)
        _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(data: Path, port: int) -> None:
    with a_serving_process(data, port) as process:
        said, complaint = process.communicate(timeout=20)
    assert (process.returncode, said) == (1, "")
    assert complaint == f"entra: port {port} of 127.0.0.1 is in use by another program.\n"
