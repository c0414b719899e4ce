"""What the ASGI bridge needs of a request's address: it decodes the path strictly, before anything of ours runs."""

from urllib.parse import quote, unquote_to_bytes, urlsplit

import azure.functions as func


def readable(req: func.HttpRequest) -> func.HttpRequest:
    """The request, with a path that is text: bytes that are none become U+FFFD, which no id of ours has."""
    parts = urlsplit(req.url)
    path = unquote_to_bytes(parts.path)
    try:
        path.decode()
    except UnicodeDecodeError:
        url = parts._replace(path=quote(path.decode(errors="replace"))).geturl()
        return func.HttpRequest(
            req.method,
            url,
            headers=dict(req.headers),
            params=dict(req.params),
            route_params=dict(req.route_params),
            body=req.get_body(),
        )
    return req
