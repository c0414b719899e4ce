"""`/api/v1`: one HTTP function in front of the FastAPI app, which is imported with the first request."""

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("api")
@blueprint.route(route="v1/{*route}", auth_level=func.AuthLevel.ANONYMOUS)
async def api(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Hand the request to the FastAPI app; it authenticates every route itself."""
    from functions.addresses import readable
    from shared.bootstrap import process

    running = await process()
    answer: func.HttpResponse = await running.api.handle_async(readable(req), context)
    return answer
