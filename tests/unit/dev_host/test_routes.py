import pytest

from dev.host.errors import HostRefused
from dev.host.routes import Route, RouteTable, build_table, compile_route

GUID = "00000000-0000-0000-0000-aaaaaaaaaaaa"


def a_route(template: str, *methods: str, function: str = "f", prefix: str = "api") -> Route:
    return compile_route(function=function, prefix=prefix, template=template, methods=frozenset(methods))


def a_table(*templates: str) -> RouteTable:
    return build_table(a_route(template, function=template) for template in templates)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("items", "/api/items", {}),
        ("items", "/API/Items/", {}),
        ("items/{id}", "/api/items/a%20b", {"id": "a b"}),
        ("items/{id}", "/api/items/a%2Fb", {"id": "a%2Fb"}),
        ("items/{id?}", "/api/items", {}),
        ("items/{id=7}", "/api/items", {"id": "7"}),
        ("items/{id:int}", "/api/items/-12", {"id": "-12"}),
        ("items/{id:guid}", f"/api/items/{GUID}", {"id": GUID}),
        ("items/{id:alpha:length(2,3)}", "/api/items/abc", {"id": "abc"}),
        ("items/{id:range(1,9)?}", "/api/items/9", {"id": "9"}),
        ("items/{id:regex(^a+$)}", "/api/items/aaa", {"id": "aaa"}),
        ("files/{name}.{kind}", "/api/files/a.b.txt", {"name": "a.b", "kind": "txt"}),
        ("v1/{*rest}", "/api/v1/a/b", {"rest": "a/b"}),
        ("v1/{*rest}", "/api/v1", {}),
    ],
)  # fmt: skip
def test_a_path_that_fits_a_template_yields_its_route_values(
    template: str, path: str, values: dict[str, str]
) -> None:
    found = a_table(template).find("GET", path)
    assert found is not None
    assert found[1] == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("items", "/items"),
        ("items/{id}", "/api/items"),
        ("items/{id}", "/api/items/a/b"),
        ("items/{id:int}", "/api/items/x"),
        ("items/{id:int}", "/api/items/99999999999"),
        ("items/{id:alpha:length(2,3)}", "/api/items/abcd"),
        ("items/{id:max(9)}", "/api/items/10"),
        ("v1/{*rest}", "/api/v12"),
    ],
)
def test_a_path_that_breaks_a_template_or_a_constraint_is_not_found(template: str, path: str) -> None:
    assert a_table(template).find("GET", path) is None


def test_the_more_specific_route_wins_whatever_the_order_of_registration() -> None:
    table = a_table("{*rest}", "items/{id}", "items/{id:int}", "items/new")
    winners = [table.find("GET", f"/api/{path}") for path in ("items/new", "items/7", "items/x", "other/x")]
    assert [found[0].function for found in winners if found] == [
        "items/new",
        "items/{id:int}",
        "items/{id}",
        "{*rest}",
    ]


def test_a_verb_that_one_function_lacks_is_left_to_the_next_that_fits() -> None:
    table = build_table([a_route("x", "GET", function="reads"), a_route("x", "POST", function="writes")])
    found = table.find("POST", "/api/x")
    assert found is not None
    assert found[0].function == "writes"
    assert table.find("DELETE", "/api/x") is None


def test_an_empty_prefix_puts_routes_at_the_root() -> None:
    assert build_table([a_route("x", prefix="")]).find("GET", "/x") is not None


@pytest.mark.parametrize("template", ["a/{b", "{a}/{a}", "a/{b:wat}", "a/{b:range(1)}"])
def test_a_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(HostRefused):
        a_route(template)
