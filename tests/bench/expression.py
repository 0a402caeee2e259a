"""How many renders a second the expression language manages; run by hand: `python tests/bench/expression.py`."""

from __future__ import annotations

import timeit

from engine.expression import Scope, compile_template, render_value

SCOPE = Scope(
    {
        "a": "x",
        "b": {"c": 1},
        "outputs": {"first": {"value": "v", "rows": [{"id": i, "name": f"n{i}"} for i in range(50)]}},
        "inputs": {"date": "2013-09-08T16:19:12Z"},
    },
    now_ms=1_700_000_000_000,
)
TEMPLATES = {
    "two variables": "{{ a }} and {{ b.c }}",
    "a fallback that isn't needed": "{{ outputs.first.value ?? 'none' }}",
    "a fallback that is": "{{ outputs.second.value ?? 'none' }}",
    "a condition": "{{ b.c == 1 and a | upper == 'X' ? 'yes' : 'no' }}",
    "a date": "{{ inputs.date | date('yyyy-MM-dd') }}",
    "jq": "{{ outputs.first.rows | jq('.[0].name') | first }}",
    "a loop over fifty": "{% for row in outputs.first.rows %}{{ row.id }}: {{ row.name }}\n{% endfor %}",
    "fifty rows as JSON": "{{ outputs.first.rows | toJson }}",
}


def main() -> None:
    """Print renders per second of each template, and what compiling one costs."""
    for name, source in TEMPLATES.items():
        template = compile_template(source)
        template.render(SCOPE)
        count, seconds = timeit.Timer(lambda template=template: template.render(SCOPE)).autorange()
        print(f"{count / seconds:12,.0f}/s  {name}")
    data = {"env": {"A": "{{ a }}", "B": "plain"}, "commands": ["echo {{ b.c }}"]}
    count, seconds = timeit.Timer(lambda: render_value(data, SCOPE)).autorange()
    print(f"{count / seconds:12,.0f}/s  data with two templates")


if __name__ == "__main__":
    main()
