"""The stand-in's pages: Entra's addresses over TLS on loopback."""

import errno
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import flask
from authlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # Authlib ships no types
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from dev.entra.keys import ca_file, server_tls, signing_key
from dev.entra.oauth import authorization_server
from dev.entra.tokens import Person, home_directory, issuer

_SIGN_IN_PAGE = """<!doctype html><html lang="en"><title>Local sign-in</title>
<h1>Sign in to the local stack</h1><p>No password: this stand-in believes whoever asks.</p>
<form method="post"><label>Mail address <input name="email" type="email" required value="{{ email }}"></label>
<label>Role <select name="role">{% for role in ("engineer", "admin", "viewer", "") %}
<option value="{{ role }}">{{ role or "none" }}</option>{% endfor %}</select></label>
<button>Sign in</button></form></html>"""

_FORM_POST_PAGE = """<!doctype html><html lang="en"><title>Signed in</title><body onload="document.forms[0].submit()">
<form method="post" action="{{ action }}">{% for name, value in fields %}
<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}<button>Continue</button></form></html>"""


def create_app(*, port: int, key: RSAKey) -> flask.Flask:
    """The pages of every tenant, as seen on this port."""
    app = flask.Flask("dev.entra", static_folder=None)
    server = authorization_server(app, key=key, port=port)

    @app.get("/organizations/v2.0/.well-known/openid-configuration", defaults={"tenant_id": None})
    @app.get("/<uuid:tenant_id>/v2.0/.well-known/openid-configuration")
    def discovery(tenant_id: UUID | None) -> dict[str, Any]:
        return _discovery(port, tenant_id)

    @app.get("/common/discovery/v2.0/keys", defaults={"tenant_id": None})
    @app.get("/<uuid:tenant_id>/discovery/v2.0/keys")
    def keys(tenant_id: UUID | None) -> dict[str, Any]:  # noqa: ARG001 - all have the same keys, as in Entra
        public = KeySet([key]).as_dict(private=False)
        return {"keys": [{**jwk, "use": "sig", "alg": "RS256"} for jwk in public["keys"]]}

    @app.route("/organizations/oauth2/v2.0/authorize", methods=["GET", "POST"], defaults={"tenant_id": None})
    @app.route("/<uuid:tenant_id>/oauth2/v2.0/authorize", methods=["GET", "POST"])
    def authorize(tenant_id: UUID | None) -> Any:
        try:
            grant = server.get_consent_grant()
        except OAuth2Error as error:
            return {"error": error.error, "error_description": error.description}, 400
        if flask.request.method == "GET":
            return flask.render_template_string(_SIGN_IN_PAGE, email=flask.request.args.get("login_hint", ""))
        role, email = flask.request.form.get("role") or None, flask.request.form["email"]
        person = Person(tenant_id=str(tenant_id or home_directory(email)), email=email, role=role)
        answer = server.create_authorization_response(grant_user=person, grant=grant)
        return _as_form(answer) if flask.request.args.get("response_mode") == "form_post" else answer

    @app.post("/organizations/oauth2/v2.0/token", defaults={"tenant_id": None})
    @app.post("/<uuid:tenant_id>/oauth2/v2.0/token")
    def token(tenant_id: UUID | None) -> Any:  # noqa: ARG001 - the grants read it from the path
        return server.create_token_response()

    return app


def _as_form(redirect: flask.Response) -> str:
    """The same answer as a form that posts itself, which keeps the code out of addresses and logs."""
    action, _, query = redirect.headers["Location"].partition("?")
    return flask.render_template_string(_FORM_POST_PAGE, action=action, fields=parse_qsl(query))


def _discovery(port: int, tenant_id: UUID | None) -> dict[str, Any]:
    """As in Entra, `organizations` stands for all directories, and its issuer is a template."""
    tenant = f"https://localhost:{port}/{tenant_id or 'organizations'}"
    keys = f"https://localhost:{port}/{tenant_id or 'common'}/discovery/v2.0/keys"
    return {
        "issuer": issuer(port, str(tenant_id)) if tenant_id else f"https://localhost:{port}/{{tenantid}}/v2.0",
        "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{tenant}/oauth2/v2.0/token",
        "jwks_uri": keys,
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256", "plain"],
    }


class _QuietRequests(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: a request line of a sign-in holds its code."""


def listen(*, port: int, data: Path) -> BaseWSGIServer:
    """A server that is bound and not yet serving; port 0 picks a free one. Raises OSError when it is taken."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        bound = listener.getsockname()[1]
        app = create_app(port=bound, key=signing_key(data))
        server = make_server(
            "127.0.0.1", bound, app, threaded=True, request_handler=_QuietRequests, fd=listener.fileno()
        )
    ca_file(data)
    # The handshake belongs to the request's own thread: a client that never speaks must not block the others.
    server.ssl_context = server_tls(data)
    server.socket = server.ssl_context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def serve(*, port: int, data: Path) -> None:
    """Serves until SIGINT or SIGTERM; a port that is taken is said in one sentence, with exit code 1."""
    try:
        server = listen(port=port, data=data)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        print(f"entra: port {port} of 127.0.0.1 is in use by another program.", file=sys.stderr)
        raise SystemExit(1) from exc
    stopping = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stopping.set())
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    print(f"entra: https://localhost:{server.port}/ (trust {ca_file(data)})", flush=True)
    stopping.wait()
    server.shutdown()
    serving.join()
    server.server_close()
