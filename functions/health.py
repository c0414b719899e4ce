"""The platform's health check: the process runs and can import the product."""

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("health")
@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- the trigger must bind its request
    """200 without detail. It asks nothing of the store: a store outage must not take the webhooks out of rotation."""
    return func.HttpResponse('{"status":"ok"}', mimetype="application/json")
