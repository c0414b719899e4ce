"""The function app: every function is in a blueprint under `functions/`."""

import azure.functions as func

from functions import api, health, queues, webhooks

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for blueprint in (webhooks.blueprint, api.blueprint, health.blueprint, queues.blueprint):
    app.register_functions(blueprint)
