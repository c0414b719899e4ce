"""The functions that the app declares are the functions that the document lists."""

import json

import function_app
from tests.functions.function_table import declared_functions, documented_functions


def test_the_document_lists_exactly_the_functions_of_the_app() -> None:
    # The library remembers names for good and refuses a second indexing of one app, which another test may have made.
    function_app.app.functions_bindings = None
    functions = function_app.app.get_functions()
    raw = {one.get_function_name(): [json.loads(text) for text in one.get_raw_bindings()] for one in functions}
    assert declared_functions(raw) == documented_functions()


def test_every_work_queue_has_its_poison_queue_attended() -> None:
    queues = {row.place for row in documented_functions() if row.trigger == "queue"}
    work = {queue for queue in queues if not queue.endswith("-poison")}
    assert queues == work | {f"{queue}-poison" for queue in work}
