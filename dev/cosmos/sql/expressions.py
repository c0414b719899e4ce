"""The grammar of expressions, by recursive descent: one method a level of precedence."""

import math
from collections.abc import Callable

from dev.cosmos.errors import bad_request
from dev.cosmos.sql.lexer import Token, syntax_error
from dev.cosmos.sql.tree import (
    Alias,
    ArrayOf,
    Between,
    Binary,
    Call,
    In,
    Like,
    Literal,
    Member,
    Node,
    ObjectOf,
    Parameter,
    Query,
    Subquery,
    Ternary,
    Unary,
)
from dev.cosmos.sql.values import UNDEFINED

AGGREGATES = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG"})
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None, "UNDEFINED": UNDEFINED}
# Words that end an expression, so that they are not taken for an alias.
_CLAUSES = {
    "SELECT",
    "VALUE",
    "TOP",
    "DISTINCT",
    "FROM",
    "JOIN",
    "AS",
    "WHERE",
    "GROUP",
    "ORDER",
    "BY",
    "ASC",
    "DESC",
}
_OPERATORS = {"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ESCAPE", "EXISTS", "ARRAY"}
RESERVED = frozenset(_CLAUSES | _OPERATORS | {"OFFSET", "LIMIT"} | _CONSTANTS.keys())
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_MAX_DEPTH = 40


def _number(token: Token) -> float:
    if not math.isfinite(value := float(token.text)):
        raise syntax_error(token)
    return int(token.text) if token.text.isdigit() else value


class ExpressionParser:
    """Reads expressions from tokens; a subquery is read by the `query` method of the subclass."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self._aggregates: list[Call] = []
        self._brackets: dict[str, Callable[[], Node]] = {
            "(": self._parenthesised,
            "[": lambda: ArrayOf(self._listed("]")),
            "{": self._object,
        }

    def query(self) -> Query:
        """Read a query."""
        raise NotImplementedError

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _advance(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _take_word(self, *words: str) -> bool:
        if not self._next.is_word(*words):
            return False
        self._position += 1
        return True

    def _take_symbol(self, *symbols: str) -> str | None:
        token = self._next
        if token.kind != "symbol" or token.text not in symbols:
            return None
        self._position += 1
        return token.text

    def _need_word(self, word: str) -> None:
        if not self._take_word(word):
            raise syntax_error(self._next)

    def _need_symbol(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise syntax_error(self._next)

    def _need_name(self) -> str:
        if self._next.kind != "word" or self._next.text.upper() in RESERVED:
            raise syntax_error(self._next)
        return self._advance().text

    def expression(self) -> Node:
        """Read one expression."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise bad_request("The query is nested too deeply.")
        condition = self._coalesce()
        if self._take_symbol("?"):
            yes = self.expression()
            self._need_symbol(":")
            condition = Ternary(condition, yes, self.expression())
        self._depth -= 1
        return condition

    def _left_associative(self, operand: Callable[[], Node], *symbols: str) -> Node:
        left = operand()
        while operator := self._take_symbol(*symbols):
            left = Binary(operator, left, operand())
        return left

    def _coalesce(self) -> Node:
        return self._left_associative(self._or, "??")

    def _or(self) -> Node:
        left = self._and()
        while self._take_word("OR"):
            left = Binary("OR", left, self._and())
        return left

    def _and(self) -> Node:
        left = self._not()
        while self._take_word("AND"):
            left = Binary("AND", left, self._not())
        return left

    def _not(self) -> Node:
        negations = 0
        while self._take_word("NOT"):
            negations += 1
        operand = self._comparison()
        for _ in range(negations):
            operand = Unary("NOT", operand)
        return operand

    def _comparison(self) -> Node:
        left = self._bitwise()
        while True:
            if operator := self._take_symbol(*_COMPARISONS):
                left = Binary("!=" if operator == "<>" else operator, left, self._bitwise())
                continue
            negated = self._next.is_word("NOT") and self._tokens[self._position + 1].is_word("IN", "BETWEEN", "LIKE")
            if negated:
                self._position += 1
            tested = self._membership(left)
            if tested is None:
                return left
            left = Unary("NOT", tested) if negated else tested

    def _membership(self, left: Node) -> Node | None:
        if self._take_word("IN"):
            return In(left, self._arguments())
        if self._take_word("BETWEEN"):
            low = self._bitwise()
            self._need_word("AND")
            return Between(left, low, self._bitwise())
        if self._take_word("LIKE"):
            pattern = self._bitwise()
            escape = self._text() if self._take_word("ESCAPE") else None
            return Like(left, pattern, escape)
        return None

    def _text(self) -> str:
        if self._next.kind != "string":
            raise syntax_error(self._next)
        return self._advance().text

    def _bitwise(self) -> Node:
        return self._left_associative(self._concatenation, "&", "|", "^")

    def _concatenation(self) -> Node:
        return self._left_associative(self._sum, "||")

    def _sum(self) -> Node:
        return self._left_associative(self._product, "+", "-")

    def _product(self) -> Node:
        return self._left_associative(self._unary, "*", "/", "%")

    def _unary(self) -> Node:
        operators = []
        while operator := self._take_symbol("-", "+", "~"):
            operators.append(operator)
        operand = self._postfix()
        for operator in reversed(operators):
            operand = Unary(operator, operand)
        return operand

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._take_symbol("."):
                if self._next.kind != "word":  # any word may be a property, reserved ones too
                    raise syntax_error(self._next)
                node = Member(node, Literal(self._advance().text))
            elif self._take_symbol("["):
                node = Member(node, self.expression())
                self._need_symbol("]")
            else:
                return node

    def _primary(self) -> Node:
        token = self._advance()
        if token.kind == "symbol" and token.text in self._brackets:
            return self._brackets[token.text]()
        match token.kind:
            case "number":
                return Literal(_number(token))
            case "string":
                return Literal(token.text)
            case "parameter":
                return Parameter(token.text)
            case "word":
                return self._worded(token)
        raise syntax_error(token)

    def _worded(self, token: Token) -> Node:
        word = token.text.upper()
        if word in _CONSTANTS:
            return Literal(_CONSTANTS[word])
        if word in {"EXISTS", "ARRAY"}:
            self._need_symbol("(")
            return self._subquery(word)
        if self._next.kind == "symbol" and self._next.text == "(" and (word not in RESERVED):
            call = Call(word, self._arguments())
            if word in AGGREGATES:
                self._aggregates.append(call)
            return call
        if word in RESERVED:
            raise syntax_error(token)
        return Alias(token.text)

    def _parenthesised(self) -> Node:
        if self._next.is_word("SELECT"):
            return self._subquery("SCALAR")
        node = self.expression()
        self._need_symbol(")")
        return node

    def _subquery(self, kind: str) -> Node:
        outer, self._aggregates = self._aggregates, []
        query = self.query()
        self._aggregates = outer
        self._need_symbol(")")
        return Subquery(kind, query)

    def _arguments(self) -> tuple[Node, ...]:
        self._need_symbol("(")
        return self._listed(")")

    def _listed(self, end: str) -> tuple[Node, ...]:
        if self._take_symbol(end):
            return ()
        items = [self.expression()]
        while self._take_symbol(","):
            items.append(self.expression())
        self._need_symbol(end)
        return tuple(items)

    def _object(self) -> Node:
        members: list[tuple[str, Node]] = []
        while not self._take_symbol("}"):
            if members:
                self._need_symbol(",")
            name = self._advance()
            if name.kind not in {"string", "word"}:
                raise syntax_error(name)
            self._need_symbol(":")
            members.append((name.text, self.expression()))
        return ObjectOf(tuple(members))
