"""The grammar of whole queries."""

from functools import lru_cache

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.expressions import RESERVED, ExpressionParser
from dev.cosmos.sql.lexer import syntax_error, tokens_of
from dev.cosmos.sql.tree import Alias, Literal, Member, Node, Query, SelectItem, SortItem, Source, Subquery


@lru_cache(maxsize=256)
def parse_query(text: str) -> Query:
    """The query, or a 400 that says where it is wrong."""
    parser = _QueryParser(tokens_of(text))
    query = parser.query()
    parser.need_end()
    return query


@lru_cache(maxsize=256)
def parse_condition(text: str) -> Query:
    """A patch's condition, `from c where …`, as a query."""
    return parse_query(f"SELECT * {text}")


class _QueryParser(ExpressionParser):
    def need_end(self) -> None:
        if self._next.kind != "end":
            raise syntax_error(self._next)

    def query(self) -> Query:
        self._need_word("SELECT")
        distinct = self._take_word("DISTINCT")
        top = self._primary() if self._take_word("TOP") else None
        value, items = self._selection()
        # Aggregates of the selection belong to this query; anywhere else they are refused.
        aggregates, self._aggregates = tuple(self._aggregates), []
        sources = self._from() if self._take_word("FROM") else ()
        where = self.expression() if self._take_word("WHERE") else None
        group_by = self._grouping()
        order_by = self._ordering()
        offset, limit = self._window()
        query = Query(value, items, distinct, top, sources, where, group_by, order_by, offset, limit, aggregates)
        if self._aggregates:
            raise bad_request("Aggregate functions are allowed in the SELECT clause only.")
        _refuse_contradictions(query)
        return query

    def _selection(self) -> tuple[Node | None, tuple[SelectItem, ...]]:
        if self._take_symbol("*"):
            return None, ()
        if self._take_word("VALUE"):
            return self.expression(), ()
        items = [self._select_item(1)]
        while self._take_symbol(","):
            items.append(self._select_item(len(items) + 1))
        return None, tuple(items)

    def _select_item(self, number: int) -> SelectItem:
        expression = self.expression()
        name = self._alias()
        if name is None:
            name = _default_name(expression, number)
        return SelectItem(expression, name)

    def _alias(self) -> str | None:
        if self._take_word("AS"):
            return self._need_name()
        if self._next.kind == "word" and self._next.text.upper() not in RESERVED:
            return self._advance().text
        return None

    def _from(self) -> tuple[Source, ...]:
        sources = [self._source(is_root=True)]
        while self._take_word("JOIN"):
            sources.append(self._source(is_root=False))
        return tuple(sources)

    def _source(self, *, is_root: bool) -> Source:
        if self._next.kind == "word" and self._tokens[self._position + 1].is_word("IN"):
            alias = self._need_name()
            self._need_word("IN")
            return Source(alias, self._postfix(), iterates=True)
        path = self._postfix()
        alias = self._alias() or _source_name(path)
        if isinstance(path, Subquery):
            # A subquery in FROM yields one input a row of its own.
            return Source(alias, Subquery("ARRAY", path.query), iterates=True)
        if is_root and isinstance(path, Alias):
            return Source(alias)
        return Source(alias, path)

    def _grouping(self) -> tuple[Node, ...]:
        if not self._take_word("GROUP"):
            return ()
        self._need_word("BY")
        keys = [self.expression()]
        while self._take_symbol(","):
            keys.append(self.expression())
        return tuple(keys)

    def _ordering(self) -> tuple[SortItem, ...]:
        if not self._take_word("ORDER"):
            return ()
        self._need_word("BY")
        items = [self._sort_item()]
        while self._take_symbol(","):
            items.append(self._sort_item())
        return tuple(items)

    def _sort_item(self) -> SortItem:
        expression = self.expression()
        descending = self._take_word("DESC")
        if not descending:
            self._take_word("ASC")
        return SortItem(expression, descending)

    def _window(self) -> tuple[Node | None, Node | None]:
        if not self._take_word("OFFSET"):
            return None, None
        offset = self._primary()
        self._need_word("LIMIT")
        return offset, self._primary()


def _default_name(expression: Node, number: int) -> str:
    match expression:
        case Member(index=Literal(value=str(name))) | Alias(name=name):
            return name
    return f"${number}"


def _source_name(path: Node) -> str:
    name = _default_name(path, 0)
    if name == "$0" and not isinstance(path, Subquery):
        raise bad_request("An input of the FROM clause must be a path or a subquery.")
    return name


def _refuse_contradictions(query: Query) -> None:
    if query.selects_all and not query.sources:
        raise bad_request("'SELECT *' is not valid if FROM clause is omitted.")
    if query.selects_all and len(query.sources) > 1:
        raise bad_request("'SELECT *' is only valid with a single input set.")
    if query.top is not None and query.limit is not None:
        raise bad_request("TOP and OFFSET LIMIT cannot be used together.")
    if query.group_by and query.order_by:
        raise bad_request("ORDER BY is not supported together with GROUP BY.")
    names = [item.name for item in query.items]
    if len(names) != len(set(names)):
        raise bad_request("Two output properties of the SELECT clause have the same name.")
