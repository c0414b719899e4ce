"""How the services around the alerting one do."""

from shared.context.look import Collected, View
from shared.context.measure import measure
from shared.models.measures import MOVING


async def collect_dependencies(view: View) -> Collected:
    """The same metrics for its callers and callees; raises as the source does."""
    look = await view.look()
    found = await view.neighbourhood()
    if not found.neighbours:
        return Collected(why_empty="no_neighbours")
    return await measure(look, await view.whereabouts(), found.neighbours, MOVING)
