"""The flows that simulated executions run: small ones that between them use everything the engine's core can do."""

from __future__ import annotations

LOG = "io.kestra.plugin.core.log.Log"
WORK = "io.kestra.plugin.scripts.shell.Commands"

FLOWS: dict[str, str] = {
    "chain": f"""
id: chain
namespace: sim
tasks:
  - {{id: a, type: {WORK}, commands: [a]}}
  - {{id: b, type: {LOG}, message: "{{{{ execution.id }}}}"}}
  - {{id: c, type: {WORK}, commands: [c]}}
""",
    "wide": f"""
id: wide
namespace: sim
tasks:
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    concurrent: 2
    tasks:
      - {{id: x, type: {WORK}, commands: [x]}}
      - {{id: y, type: {WORK}, commands: [y]}}
      - {{id: z, type: io.kestra.plugin.core.debug.Return, format: z}}
      - {{id: w, type: {WORK}, commands: [w]}}
errors:
  - {{id: e, type: {LOG}, message: failed}}
finally:
  - {{id: f, type: {WORK}, commands: [f]}}
""",
    "loop": f"""
id: loop
namespace: sim
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c, d, e]
    concurrencyLimit: 2
    tasks:
      - {{id: i, type: {WORK}, commands: ["{{{{ taskrun.value }}}}"]}}
      - {{id: j, type: io.kestra.plugin.core.debug.Return, format: "{{{{ outputs.i[taskrun.value].n }}}}"}}
""",
    "shared": f"""
id: shared
namespace: sim
tasks:
  - id: together
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {{a.txt: "{{{{ execution.id }}}}"}}
    outputFiles: ["*.txt"]
    tasks:
      - {{id: k, type: {WORK}, commands: [k]}}
      - {{id: l, type: {LOG}, message: l}}
      - {{id: m, type: {WORK}, commands: [m]}}
    errors:
      - {{id: n, type: {WORK}, commands: [n]}}
  - {{id: o, type: {WORK}, commands: [o]}}
""",
    "patient": f"""
id: patient
namespace: sim
tasks:
  - {{id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT2S}}
  - id: r
    type: {WORK}
    commands: [flaky]
    retry: {{type: constant, interval: PT3S, maxAttempts: 3}}
  - {{id: pause, type: io.kestra.plugin.core.flow.Pause, pauseDuration: PT5S}}
  - id: t
    type: {WORK}
    commands: [slow]
    timeout: PT20S
    allowFailure: true
""",
    "caller": """
id: caller
namespace: sim
tasks:
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: u, type: io.kestra.plugin.core.flow.Subflow, namespace: sim, flowId: called}
      - {id: v, type: io.kestra.plugin.core.flow.Subflow, namespace: sim, flowId: chain, wait: false}
      - id: q
        type: io.kestra.plugin.core.flow.Subflow
        namespace: sim
        flowId: chain
        retry: {type: constant, interval: PT2S, maxAttempts: 2}
""",
    "called": f"""
id: called
namespace: sim
retry: {{type: constant, interval: PT2S, maxAttempts: 3, behavior: CREATE_NEW_EXECUTION}}
tasks:
  - {{id: k, type: {WORK}, commands: [k]}}
  - {{id: l, type: {WORK}, commands: [flaky]}}
""",
}

LIMITED = {"limited": 1}
"""Flows of which only so many executions run at once."""
FLOWS["limited"] = f"""
id: limited
namespace: sim
concurrency: {{limit: {LIMITED["limited"]}}}
tasks:
  - {{id: k, type: {WORK}, commands: [k]}}
  - {{id: l, type: {LOG}, message: "{{{{ execution.id }}}}"}}
afterExecution:
  - {{id: u, type: {WORK}, commands: [u]}}
"""

EPOCH_MS = 1_700_000_000_000
"""When a world begins."""
DATES_MS = tuple(EPOCH_MS + seconds * 1_000 for seconds in (5, 12, 13, 31, 32, 60, 90))
"""Dates of a schedule: some while storms rage, some for sure after a downtime."""
_LISTENS = "io.kestra.plugin.core.trigger.Flow"
STARTED: dict[str, str] = {
    "dated": f"""
id: dated
namespace: sim
tasks:
  - {{id: d, type: {LOG}, message: "{{{{ trigger.date }}}}"}}
triggers:
  - id: tick
    type: io.kestra.plugin.core.trigger.ScheduleOnDates
    dates: {list(DATES_MS)}
""",
    "listener": f"""
id: listener
namespace: sim
tasks:
  - {{id: n, type: {LOG}, message: "{{{{ trigger.executionId }}}}"}}
triggers:
  - {{id: after, type: {_LISTENS}, dependsOn: [{{flowId: chain, states: [RUNNING]}}]}}
""",
    "joined": f"""
id: joined
namespace: sim
tasks:
  - {{id: q, type: {LOG}, message: "{{{{ trigger.executionId }}}}"}}
triggers:
  - {{id: both, type: {_LISTENS}, dependsOn: [{{flowId: chain}}, {{flowId: dated}}], window: {{lookback: P1D}}}}
""",
}
"""Flows that triggers start, nobody else."""

FLAKY = frozenset({"r", "m", "l"})
"""Tasks whose attempts fail half of the time."""
SLOW = frozenset({"t"})
"""Tasks that may take longer than their timeout."""
