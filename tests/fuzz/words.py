"""The words of each target's language, taken from the engine's own tables."""

from __future__ import annotations

from engine.expression import vocabulary
from engine.flow.parse import FLOW_KEYS
from engine.flow.types import ALIASES, TYPES
from tests.fuzz.targets import VARIABLES

_TASK_KEYS = (
    "id type description retry timeout runIf when allowFailure allowWarning disabled logLevel workerGroup dependsOn "
    "task taskCache interval maxInterval minInterval maxAttempts maxDuration behavior limit key value values defaults "
    "required validator itemType min max conditions expression cron timezone backfill window onMiss preconditions "
    "flows states stopAfter recoverMissedSchedules lateMaximumDelay concurrencyLimit cases then else onPause onResume"
)
_OPERATORS = (
    "+ - * / % ~ == != < <= > >= and or not is in ? : ?? ??? contains isIn equals matches | ( ) [ ] { } . , = .. ->"
)
_LITERALS = (
    "null true false 1 0 -1 2.5 100L 1e3 9999999999999999999 '' \"\" 'a' \"#{s}x\" [] {} [1,2] {'a':1} 1..3 "
    "'yyyy-MM-dd' 'UTC' 'DAYS' '#,##0.0' '%5.2f|%s' '(a+)+$' '[0-9]+' '.a[]' '{{s}}' '<a>&' '😀' l[1] m.k m['n'].x[0] "
    "loop.index outputs.each['a'].value outputs.each[taskrun.value].value inputs.when vars.nested"
)
_MARKS = "{{ }} {{- -}} {% %} {%- -%} {# #} {%raw%} {%endraw%} {%if t%} {%endif%} {%for x in l%} {%endfor%}"


def words_of(target: str) -> list[str]:
    """Return the names and marks of a target's language, in an order that stays."""
    language = vocabulary()
    names = sorted({name for kind in language.values() for name in kind})
    arguments = sorted({f"{each}=" for kind in language.values() for name in kind for each in kind[name]})
    spoken = [*names, *arguments, *VARIABLES, *_OPERATORS.split(), *_LITERALS.split(), *_MARKS.split()]
    if target == "expressions":
        return spoken
    properties = sorted({name for info in TYPES.values() for name in info.properties})
    types = [name for name in sorted(TYPES) if ".core." in name]
    branches = [name for name in types if TYPES[name].branches]
    return [*sorted(FLOW_KEYS), *_TASK_KEYS.split(), *properties, *types, *branches * 3, *sorted(ALIASES)[:20]]
