"""jq functions that are best said in jq itself."""

from __future__ import annotations

from engine.expression.jq import syntax as s
from engine.expression.jq.machine import Builtin, Closure, Item, Machine, Results, Scope
from engine.expression.jq.parser import parse

_SOURCE = """
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def recurse: recurse(.[]?);
def recurse_down: recurse;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def with_entries(f): to_entries | map(f) | from_entries;
def paths: path(..) | select(length > 0);
def paths(f): . as $d | paths | select(. as $p | $d | getpath($p) | f);
def leaf_paths: paths(scalars);
def add: reduce .[] as $x (null; . + $x);
def add(f): reduce f as $x (null; . + $x);
def any: any(.[]; .);
def any(f): any(.[]; f);
def all: all(.[]; .);
def all(f): all(.[]; f);
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $rest | [$x] + $rest end;
def combinations(n): . as $d | [range(n)] | map($d) | combinations;
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def nth($n; f): if $n < 0 then error("Out of bounds negative array index") else last(limit($n + 1; f)) end;
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def del(f): delpaths([path(f)]);
def to_array: if type == "array" then . else [.] end;
def toarray: if type == "array" then . else [.] end;
def splits($re): splits($re; null);
def splits($re; $flags): split($re; $flags) | .[];
def ascii: [.] | implode;
def finites: select(isinfinite or isnan | not);
def normals: select(isnormal);
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def date: todate;
def todateiso8601: todate;
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
def INDEX(f): INDEX(.[]; f);
def INDEX(source; f): reduce source as $row ({}; .[$row | f | tostring] |= $row);
def pick(f): . as $d | reduce path(f) as $p (null; setpath($p; $d | getpath($p)));
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def debug: .;
def debug(f): .;
def env: {};
"""

_ROOT = Scope()


def _builtin(closure: Closure) -> Builtin:
    def apply(machine: Machine, scope: Scope, arguments: tuple[s.Node, ...], item: Item) -> Results:
        return machine.apply(closure, arguments, scope, item)

    return apply


def _prelude() -> dict[str, Builtin]:
    found: dict[str, Builtin] = {}
    for line in _SOURCE.strip().splitlines():
        node = parse(line)
        assert isinstance(node, s.Definition)
        closure = Closure(node.parameters, node.body, _ROOT)
        found[f"{node.name}/{len(node.parameters)}"] = _builtin(closure)
    return found


PRELUDE = _prelude()
"""Functions by `name/arity`."""
