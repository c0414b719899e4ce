"""The health routes: for the platform, for whoever watches from outside, and for the operators."""

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("health")
@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- the trigger must bind its request
    """200 without detail. It asks nothing of the store: a store outage must not take the webhooks out of rotation."""
    return func.HttpResponse('{"status":"ok"}', mimetype="application/json")


@blueprint.function_name("health_live")
@blueprint.route(route="health/live", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health_live(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- the trigger must bind its request
    """200: the process runs."""
    return func.HttpResponse('{"live":true}', mimetype="application/json")


@blueprint.function_name("health_ready")
@blueprint.route(route="health/ready", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health_ready(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- the trigger must bind its request
    """200 or 503, and nothing else: who asks may be anybody."""
    from functions.readiness import ready_answer

    return await ready_answer(in_detail=False)


@blueprint.function_name("health_details")
@blueprint.route(route="health/ready/details", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def health_details(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- the trigger must bind its request
    """The same with each dependency, for who has a key of the app."""
    from functions.readiness import ready_answer

    return await ready_answer(in_detail=True)
