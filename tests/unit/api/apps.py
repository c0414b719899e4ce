"""The API for a test, quickly: its routes are made once a process, and what a test turns is its own."""

import copy
import time
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import State

from shared.access.authentication import Authenticator
from shared.api import create_api
from shared.api.guards import Pace
from shared.api.options import PLAIN, ApiOptions
from shared.api.pace import Clock
from shared.pipeline.signing_in import SignIn
from shared.ports.services import Services

NOBODY: Any = None


@cache
def _routes(options: ApiOptions) -> FastAPI:
    api = create_api(NOBODY, NOBODY, options=options)
    api.middleware_stack = api.build_middleware_stack()
    return api


def an_api(
    services: Services,
    authenticator: Authenticator,
    *,
    options: ApiOptions = PLAIN,
    sign_in: SignIn | None = None,
    clock: Clock = time.monotonic,
) -> FastAPI:
    """As `create_api` makes it. Whoever counts failures by address gets one of its own: those are kept in a layer."""
    if options.client_address_header is not None:
        return create_api(services, authenticator, options=options, sign_in=sign_in, clock=clock)
    api = copy.copy(_routes(options))
    api.state = State()
    api.state.services, api.state.authenticator = services, authenticator
    api.state.options, api.state.sign_in, api.state.pace = options, sign_in, Pace(options, clock)
    return api
