"""Where senders post: authenticate, make durable, answer."""

from datetime import UTC, datetime

import azure.functions as func

blueprint = func.Blueprint()


@blueprint.function_name("webhook")
@blueprint.route(route="webhooks/{source}/{integration_id}", auth_level=func.AuthLevel.ANONYMOUS)
async def webhook(req: func.HttpRequest) -> func.HttpResponse:
    """POST answers 202 once the delivery is durable; other verbs 405, or a redirected POST would look accepted."""
    from functions.answers import webhook_answer

    return await webhook_answer(
        req.method,
        source=req.route_params.get("source", ""),
        integration_id=req.route_params.get("integration_id", ""),
        headers=req.headers,
        code=req.params.get("code"),
        body=req.get_body(),
        now=datetime.now(UTC),
    )
