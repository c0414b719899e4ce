"""What the attacks on the API send, by name."""

import base64
import json
from typing import Any

from tests.builders import ACME
from tests.unit.access.issuer import ACME_TID, a_token

Json = Any
EVIL = "evil.attacker.test"

SMUGGLED: dict[str, dict[str, str]] = {
    "a tenant header": {"X-Tenant-Id": ACME, "X-Tenant": ACME, "Tenant-Id": ACME, "X-Organization-Id": ACME},
    "App Service's own identity headers": {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"userId":"x","userRoles":["admin"]}').decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": "dddddddd-dddd-4ddd-8ddd-dddddddddddd",
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "X-MS-TOKEN-AAD-ACCESS-TOKEN": a_token(tid=ACME_TID, roles=["admin"]),
        "X-MS-AUTH-TOKEN": a_token(tid=ACME_TID, roles=["admin"]),
    },
    "a proxy's user headers": {"X-Forwarded-User": "root", "X-Remote-User": "root", "X-User-Role": "admin"},
    "another address": {"X-Original-URL": "/api/v1/me", "X-Rewrite-URL": "/api/v1/me", "X-Forwarded-Prefix": "/x"},
    "another method": {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE"},
    "a second token": {"X-Authorization": f"Bearer {a_token(tid=ACME_TID, roles=['admin'])}"},
    "a cookie that was never given": {
        "Cookie": f"access_token={a_token(tid=ACME_TID)}; tenant_id={ACME}; role=admin"
    },
}

ASSIGNED: dict[str, Json] = {
    "tenant_id": ACME,
    "tenantId": ACME,
    "role": "admin",
    "roles": ["admin"],
    "is_admin": True,
    "_etag": '"1"',
    "id": "inc-" + "0" * 24,
    "version": 99,
    "audit_pending": [],
    "__proto__": {"role": "admin"},
}

HOSTILE = {
    "up, encoded": "..%2F..%2Fme",
    "up, encoded twice": "..%252F..%252Fme",
    "up, as backslashes": "..%5C..%5Cme",
    "up, overlong UTF-8": "..%c0%af..%c0%afme",
    "NUL": "%00",
    "an id and NUL": "inc-" + "0" * 24 + "%00",
    "an id and a line end": "inc-" + "0" * 24 + "%0A",
    "a header of our answer": "%0d%0aSet-Cookie:%20a=b",
    "digits of another script": "inc-" + "%D9%A0" * 24,
    "a look-alike letter": "%D1%96nc-" + "0" * 24,
    "right to left": "%E2%80%AE",
    "half a surrogate pair": "%ED%A0%80",
    "bytes that are no text": "%FF%FE",
    "a query": "' OR 1=1 --".replace(" ", "%20"),
    "a query's end": "%22%20OR%20c.tenant_id%20!=%20%22",
    "a template": "%7B%7B7*7%7D%7D",
    "a dot": "%2e",
    "two dots": "%2e%2e",
    "a parameter": "x;a=b",
    "long": "x" * 2000,
}

TYPES = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/octet-stream",
    "application/jsonx",
    "",
]

RAW: dict[str, bytes] = {
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "more than a number": b"1e999",
    "as many digits as fit": b"9" * 4000,
    "too many digits": b"9" * 5000,
    "half a surrogate pair": b'"\\ud800"',
    "NUL": b'"\\u0000"',
    "a long text": b'"' + b"x" * 100_000 + b'"',
    "a wide list": b"[" + b"1," * 20_000 + b"1]",
    "a deep list": b"[" * 21 + b"]" * 21,
    "a number": b"-1",
    "a truth": b"true",
    "nothing": b"null",
    "an object": b'{"$ne": null}',
    "a query": b'"\' OR 1=1 --"',
    "a template": b'"{{7*7}}${7*7}<script>alert(1)</script>"',
}

VALUES = ["", "NaN", "1e9", "9" * 400, "-1", "\0", "\u0662\u0665", "a'b", "x" * 1000, "[]", "true"]


def encoded(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


CURSORS: dict[str, str] = {
    "junk": "junk",
    "unicode": "\u2028\u0661\U0001f600",
    "NUL": "\x00",
    "padding": "====",
    "no list": encoded({"a": 1}),
    "an empty list": encoded([]),
    "one value": encoded(["2026-11-23T12:00:00.000000Z"]),
    "values of another order": encoded([3, "inc-" + "0" * 24]),
    "many values": encoded(["x"] * 50),
    "null": encoded([None, None]),
    "objects": encoded([{}, {}]),
    "numbers": encoded([1e308, -1]),
    "truths": encoded([True, False]),
    "a tenant": encoded([ACME, "inc-" + "0" * 24]),
    "a query": encoded(["' OR 1=1 --", "x"]),
    "long": "A" * 400,
    "too long": "A" * 5000,
}

CHOSEN = {
    "Host": EVIL,
    "X-Forwarded-Host": EVIL,
    "Forwarded": f"host={EVIL}",
    "Origin": f"https://{EVIL}",
    "Referer": f"https://{EVIL}/",
    "X-Request-Id": EVIL,
    "User-Agent": f"<script>{EVIL}</script>",
}

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY"]
