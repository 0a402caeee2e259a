"""The bridge to Jinja2: our syntax tree to Jinja2's node tree.

Jinja2 gives us its code generator (`generator.py`): text, conditions, loops and named pieces become Python functions
that yield. What a template *means* stays ours: every lookup, operator, filter, test and call becomes a call of one
function of `operations.py` or `statements.py` that the generated code imports by name.

No name, attribute, filter or global of a template ever becomes one of Jinja2's or Python's: the node tree holds nothing
but constants, our calls, and Jinja2's `If`, `For`, `Output` and `Block`. Its sandbox isn't needed, for there is nothing
to guard against; its escaping, loading and inheritance are never reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from jinja2 import nodes

from engine.expression import operations, statements, tree
from engine.expression.filters import FILTERS
from engine.expression.functions import FUNCTIONS
from engine.expression.functions.world import WORLD
from engine.expression.generator import import_name
from engine.expression.predicates import TESTS
from engine.expression.registry import BindingError, Registry, bind, did_you_mean
from engine.values import Dialect

Operation: TypeAlias = Callable[..., Any]

_CHAINS: dict[str, Operation] = {
    "+": operations.total,
    "~": operations.joined,
    "and": operations.all_of,
    "or": operations.any_of,
}
_UNARY: dict[str, Operation] = {
    "not": operations.negation,
    "-": operations.negative,
    "+": operations.positive,
}
_COALESCING: dict[str, Operation] = {"??": operations.coalesce, "???": operations.coalesce_undefined}


class Bridge:
    """Translates one template.

    Args:
        body: Its statements.
        dialect: Which functions and filters there are.
    """

    def __init__(self, body: tree.Body, dialect: Dialect) -> None:
        self._body = body
        self._dialect = dialect
        self._pieces: list[nodes.Block] = []
        self._blocks: dict[str, str] = {}
        self._macros: dict[str, tuple[str, tree.Macro]] = {}
        self.faults: list[tuple[int, str]] = []
        """Calls that can only fail, with their offsets: of words that don't exist, or with wrong arguments."""

    def template(self) -> nodes.Template:
        """Return the whole tree for Jinja2."""
        self._declare(self._body)
        body = self._statements(self._body)
        for name, macro in self._macros.values():
            self._piece(name, macro.body, self._defaults(macro))
        return nodes.Template([*body, *self._pieces], lineno=1)

    def _declare(self, body: tree.Body) -> None:
        """Number macros and blocks first: both may be used before they are written."""
        for statement in body:
            match statement:
                case tree.Macro():
                    self._macros[statement.name] = (f"macro_{len(self._macros)}", statement)
                case tree.Block():
                    self._blocks[statement.name] = f"block_{len(self._blocks)}"
            for inner in tree.bodies(statement):
                self._declare(inner)

    def _piece(self, name: str, body: tree.Body, before: list[nodes.Node] | None = None) -> None:
        made = [*(before or ()), *self._statements(body)]
        self._pieces.append(nodes.Block(name, made, False, False, lineno=1))

    def _defaults(self, macro: tree.Macro) -> list[nodes.Node]:
        return [
            nodes.ExprStmt(
                self._call(statements.default_argument, macro.position, nodes.Const(name), self._value(value)), lineno=1
            )
            for name, value in ((name, value or tree.Literal(0, None)) for name, value in macro.parameters)
        ]

    # -- statements

    def _statements(self, body: tree.Body) -> list[nodes.Node]:
        made: list[nodes.Node] = []
        for statement in body:
            made += self._statement(statement)
        return made

    def _statement(self, statement: tree.Statement) -> list[nodes.Node]:
        match statement:
            case tree.Text(text=text):
                return [nodes.Output([nodes.TemplateData(text)], lineno=1)]
            case tree.Raw(position=position, text=text):
                return [self._output(self._call(statements.raw, position, nodes.Const(text)))]
            case tree.Print(value=value):
                return [self._output(self._value(value))]
            case tree.Set(position=position, name=name, value=value):
                call = self._call(statements.assign, position, nodes.Const(name), self._value(value))
                return [nodes.ExprStmt(call, lineno=1)]
            case tree.If():
                return [self._if(statement)]
            case tree.For():
                return self._for(statement)
            case tree.Block(position=position, name=name, body=body):
                if all(piece.name != self._blocks[name] for piece in self._pieces):
                    self._piece(self._blocks[name], body)
                return [self._output(self._call(statements.block, position, nodes.Const(self._blocks[name])))]
            case tree.FilterBlock():
                return [self._filter_block(statement)]
        return []

    def _output(self, value: nodes.Expr) -> nodes.Output:
        return nodes.Output([value], lineno=1)

    def _if(self, statement: tree.If) -> nodes.If:
        otherwise = self._statements(statement.otherwise)
        made: nodes.If | None = None
        for condition, body in reversed(statement.branches):
            test = self._call(operations.truth, condition.position, self._value(condition))
            made = nodes.If(test, self._statements(body) or [nodes.Output([])], [], otherwise, lineno=1)
            otherwise = [made]
        assert made is not None
        return made

    def _for(self, statement: tree.For) -> list[nodes.Node]:
        at, iterable = statement.position, self._value(statement.iterable)
        values = self._call(statements.iterate, at, nodes.Const(statement.name), iterable)
        target = nodes.Name("round", "store", lineno=1)
        loop = nodes.For(target, values, self._statements(statement.body), [], None, False, lineno=1)
        if not statement.otherwise:
            return [loop]
        empty = self._call(statements.was_empty, at)
        return [loop, nodes.If(empty, self._statements(statement.otherwise), [], [], lineno=1)]

    def _filter_block(self, statement: tree.FilterBlock) -> nodes.Node:
        name = f"filtered_{statement.position}"
        self._piece(name, statement.body)
        value = self._call(statements.block, statement.position, nodes.Const(name))
        for position, filter_name, arguments in statement.filters:
            value = self._operation(operations.filtered, "filter", FILTERS, position, filter_name, arguments, value)
        return self._output(value)

    # -- expressions

    def _call(self, operation: Operation, position: int, *arguments: nodes.Expr) -> nodes.Expr:
        target = nodes.ImportedName(import_name(operation))
        return nodes.Call(target, [nodes.Const(position), *arguments], [], None, None, lineno=1)

    def _values(self, expressions: tuple[tree.Expression, ...]) -> list[nodes.Expr]:
        return [self._value(each) for each in expressions]

    def _value(self, node: tree.Expression) -> nodes.Expr:
        at = node.position
        match node:
            case tree.Literal(value=value):
                return nodes.Const(value)
            case tree.Path(names=names):
                return self._call(operations.path, at, *map(nodes.Const, names))
            case tree.Attribute(base=base, key=key):
                return self._call(operations.attribute, at, self._value(base), self._value(key))
            case tree.Method(base=base, name=name, arguments=arguments):
                return self._call(operations.method, at, nodes.Const(name), self._value(base), *self._values(arguments))
            case tree.Unary(operator=operator, operand=operand):
                return self._call(_UNARY[operator], at, self._value(operand))
            case tree.Chain(operator=operator, operands=operands):
                return self._call(_CHAINS[operator], at, *self._values(operands))
            case tree.Binary():
                return self._binary(node)
            case tree.Filter(value=value, name=name, arguments=arguments):
                return self._filter(at, name, arguments, value)
            case tree.Test():
                return self._test(node)
            case tree.Call():
                return self._function(node)
            case tree.Ternary(condition=condition, yes=yes, no=no):
                test = self._call(operations.choice, at, self._value(condition))
                return nodes.CondExpr(test, self._value(yes), self._value(no))
            case tree.ListOf(items=items):
                return self._call(operations.listing, at, *self._values(items))
            case tree.MapOf(entries=entries):
                return self._call(operations.mapping, at, *(self._value(part) for pair in entries for part in pair))
        raise AssertionError(f"unknown expression {node}")

    def _binary(self, node: tree.Binary) -> nodes.Expr:
        left, right = self._value(node.left), self._value(node.right)
        if node.operator in _COALESCING:
            return self._call(_COALESCING[node.operator], node.position, left, right)
        if node.operator == "..":
            return self._call(operations.called, node.position, nodes.Const("range"), left, right)
        return self._call(operations.operate, node.position, nodes.Const(node.operator), left, right)

    def _filter(self, at: int, name: str, arguments: tree.Arguments, value: tree.Expression) -> nodes.Expr:
        if name == "default":
            try:
                fallback = bind(FILTERS[name], arguments)
            except BindingError as error:
                return self._refused(at, str(error))
            return self._call(operations.default, at, self._value(value), *self._values(fallback))
        return self._operation(operations.filtered, "filter", FILTERS, at, name, arguments, self._value(value))

    def _test(self, node: tree.Test) -> nodes.Expr:
        value = self._value(node.value)
        if node.name == "defined":
            made = self._call(operations.is_defined, node.position, value)
        else:
            made = self._operation(operations.tested, "test", TESTS, node.position, node.name, node.arguments, value)
        return self._call(operations.negation, node.position, made) if node.negated else made

    def _operation(
        self,
        via: Operation,
        kind: str,
        registry: Registry,
        at: int,
        name: str,
        given: tree.Arguments,
        *value: nodes.Expr,
    ) -> nodes.Expr:
        """Return a call of a registered operation, or one that fails when it is reached."""
        operation = registry.get(name)
        if operation is None or operation.dialect not in (None, self._dialect):
            return self._refused(at, f"There is no {kind} '{name}'{did_you_mean(name, registry)}")
        try:
            arguments = bind(operation, given)
        except BindingError as error:
            return self._refused(at, str(error))
        return self._call(via, at, nodes.Const(name), *value, *self._values(arguments))

    def _refused(self, at: int, message: str) -> nodes.Expr:
        self.faults.append((at, message))
        return self._call(operations.refused, at, nodes.Const(message))

    def _function(self, node: tree.Call) -> nodes.Expr:
        name, given = node.name, node.arguments
        if name in FUNCTIONS:
            return self._operation(operations.called, "function", FUNCTIONS, node.position, name, given)
        if name in WORLD:
            return self._world(node)
        if name == "block":
            return self._block_call(node)
        if name in self._macros:
            return self._macro_call(node)
        known = [*FUNCTIONS, *WORLD, *self._macros]
        return self._refused(node.position, f"There is no function '{name}'{did_you_mean(name, known)}")

    def _world(self, node: tree.Call) -> nodes.Expr:
        operation = WORLD[node.name]
        try:
            bind(operation, node.arguments)
        except BindingError as error:
            return self._refused(node.position, str(error))
        assert operation.parameters is not None
        names = operation.parameters[: len(node.arguments.positional)]
        names += tuple(name for name, _ in node.arguments.named)
        values = self._values(node.arguments.expressions())
        return self._call(operations.asked, node.position, nodes.Const(node.name), nodes.Const(names), *values)

    def _block_call(self, node: tree.Call) -> nodes.Expr:
        match node.arguments.expressions():
            case (tree.Literal(value=str(name)),) if name in self._blocks:
                return self._call(statements.block, node.position, nodes.Const(self._blocks[name]))
        known = ", ".join(self._blocks) or "none here"
        return self._refused(node.position, f"block() takes the name of a block: {known}")

    def _macro_call(self, node: tree.Call) -> nodes.Expr:
        piece, macro = self._macros[node.name]
        names = [name for name, _ in macro.parameters]
        given = [*names[: len(node.arguments.positional)], *(name for name, _ in node.arguments.named)]
        if len(node.arguments.positional) > len(names):
            return self._refused(node.position, f"The macro '{node.name}' takes at most {len(names)} arguments")
        values = self._values(node.arguments.expressions())
        return self._call(statements.macro, node.position, nodes.Const(piece), nodes.Const(tuple(given)), *values)
