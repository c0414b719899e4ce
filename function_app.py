"""The function app: every function is in a blueprint under `functions/`."""

import azure.functions as func

from functions import api, health, queues, timers, webhooks

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for blueprint in (webhooks.blueprint, api.blueprint, health.blueprint, queues.blueprint, timers.blueprint):
    app.register_functions(blueprint)
