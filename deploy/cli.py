"""The command line, `penstock`.

Owns the arguments and how an error reads: one line that says what happened, where, and what to do. What a command does
is in the module that its function imports; imports are made there, so that `penstock --help` needs none of them.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUG = 70
"""As in sysexits.h: an internal error; the others are the shell's usual ones."""

ROLES = ("standalone", "executor", "worker", "api")


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: Arguments without the program's name; those of the process if None.
    """
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.command(arguments) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (`head`, a pager) has seen enough. Python would complain again while it flushes.
        sys.stderr.close()
        return 0
    except Exception as error:
        if arguments.debug:
            raise
        return explain(error)


def explain(error: Exception) -> int:
    """Print one line about an error and return the exit code."""
    from deploy.own_log import in_one_line
    from deploy.problems import is_expected
    from deploy.supervisor import RoleDied

    if isinstance(error, RoleDied) and isinstance(error.__cause__, Exception) and is_expected(error.__cause__):
        # The way through the code says nothing to who only has to mend a setting or a disk.
        error = error.__cause__
    if is_expected(error):
        print(f"penstock: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_FAILED
    line = " ".join(in_one_line(error).split())
    print(f"penstock: a bug of Penstock, please report it: {line}; --debug shows the traceback", file=sys.stderr)
    return EXIT_BUG


def parser() -> Parser:
    """Return the parser of all commands."""
    top = Parser(prog="penstock", description="Runs declarative YAML flows on an event log.", allow_abbrev=False)
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    add_server(commands)
    add_run(commands)
    add_flow(commands)
    add_plugin(commands)
    add_expression(commands)
    add_topics(commands)
    add_views(commands)
    add_kv(commands)
    command(commands, "settings", print_settings, "list every setting with its unit, default and reason")
    command(commands, "version", print_version, "print the version")
    return top


def command(
    group: Any, name: str, run: Callable[[argparse.Namespace], int | None], summary: str
) -> argparse.ArgumentParser:
    """Add one command with the arguments that all have."""
    added: argparse.ArgumentParser = group.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    added.add_argument("--debug", action="store_true", help="show tracebacks, and log details for developers")
    added.set_defaults(command=run)
    return added


def group_of(commands: Any, name: str, summary: str) -> Any:
    """Add a command that has commands of its own."""
    added = commands.add_parser(name, help=summary, description=summary)
    return added.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)


def add_settings_arguments(to: argparse.ArgumentParser) -> None:
    """Add what every command that opens a log takes."""
    to.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML or YAML; the environment wins")
    to.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any of `penstock settings`")
    to.add_argument("--data", metavar="DIR", help="folder of the built-in log, of views and files (default .penstock)")
    to.add_argument("--kafka", metavar="HOST:PORT", help="use this Kafka cluster instead of the built-in log")


def settings_of(arguments: argparse.Namespace) -> Any:
    """Return the settings that the arguments, the environment and the file come to."""
    from deploy.own_log import configure_logging
    from deploy.sources import SettingsError, load_settings

    # What goes wrong is said in one line at the end; a server sets its own log up once its settings are known.
    configure_logging("DEBUG" if arguments.debug else "CRITICAL", "text")
    flags: dict[str, Any] = {}
    for pair in arguments.set:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set {pair}: expected NAME=VALUE, such as --set api.port=9090")
        flags[name.strip()] = value
    given = {
        "data": arguments.data,
        "kafka.bootstrap": arguments.kafka,
        "api.port": getattr(arguments, "port", None),
        "log.level": "DEBUG" if arguments.debug else None,
    }
    flags.update({name: value for name, value in given.items() if value is not None})
    return load_settings(arguments.config, flags=flags)


def add_server(commands: Any) -> None:
    """Add `penstock server`."""
    group = group_of(commands, "server", "start one role, or all of them in one process")
    summaries = {
        "standalone": "executor, worker and api in one process; needs nothing else",
        "executor": "turns commands into events",
        "worker": "runs tasks",
        "api": "the HTTP interface and its views",
    }
    for role in ROLES:
        added = command(group, role, serve, summaries[role])
        add_settings_arguments(added)
        added.add_argument("--port", metavar="PORT", help="port of the HTTP interface (default 8080)")
        added.set_defaults(role=role)


def serve(arguments: argparse.Namespace) -> int:
    """Run `penstock server ROLE` until it is asked to stop."""
    # Imports make no garbage; looking for it takes a tenth of the start. `serve` switches it on again.
    gc.disable()
    from deploy.standalone import serve as serve_roles

    return serve_roles(settings_of(arguments), arguments.role)


def add_run(commands: Any) -> None:
    """Add `penstock run`."""
    added = command(commands, "run", run_flow, "run one flow here and now, leaving nothing behind")
    added.add_argument("flow", type=Path, metavar="FLOW.yaml")
    added.add_argument(
        "-i",
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input; NAME=@FILE reads the value from a file",
    )
    added.add_argument("-l", "--label", action="append", default=[], metavar="NAME=VALUE", help="a label to set")
    add_dialect(added)
    added.add_argument("--plain", action="store_true", help="lines instead of a live table, also on a terminal")


def add_dialect(added: argparse.ArgumentParser) -> None:
    """Add the option that says which generation of the language expressions are in."""
    added.add_argument("--dialect", choices=("1.x", "2.x"), default="1.x", help="generation of the language")


def run_flow(arguments: argparse.Namespace) -> int:
    """Run `penstock run`; 0 if the execution ended in SUCCESS or WARNING."""
    from deploy.run_flow import run
    from engine.values import Dialect

    return run(
        arguments.flow,
        arguments.input,
        arguments.label,
        dialect=Dialect(arguments.dialect),
        plain=arguments.plain,
        debug=arguments.debug,
    )


def add_flow(commands: Any) -> None:
    """Add `penstock flow`."""
    group = group_of(commands, "flow", "look at flows without running them")
    added = command(group, "validate", validate_flows, "say what is wrong with flows, with line and column")
    added.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="YAML files, or folders of them")
    added.add_argument("--silence", action="append", default=[], metavar="RULE", help="leave warnings of a rule out")
    added.add_argument("--strict", action="store_true", help="a warning is a failure too")
    added.add_argument("--form", choices=("text", "json"), default="text", help="for people, or for other programs")
    command(group, "schema", print_flow_schema, "print the JSON schema of flows, for editors")
    added = command(group, "graph", print_flow_graph, "draw a flow's tasks")
    added.add_argument("path", type=Path, metavar="FLOW.yaml")
    added.add_argument("--form", choices=("mermaid", "svg", "json"), default="mermaid")


def validate_flows(arguments: argparse.Namespace) -> int:
    """Run `penstock flow validate`."""
    from deploy.flow_commands import validate

    return validate(arguments.paths, arguments.silence, arguments.strict, arguments.form)


def print_flow_schema(_arguments: argparse.Namespace) -> int:
    """Run `penstock flow schema`."""
    from deploy.flow_commands import schema

    return schema()


def print_flow_graph(arguments: argparse.Namespace) -> int:
    """Run `penstock flow graph`."""
    from deploy.flow_commands import graph

    return graph(arguments.path, arguments.form)


def add_plugin(commands: Any) -> None:
    """Add `penstock plugin`."""
    group = group_of(commands, "plugin", "look up types of tasks and triggers")
    added = command(group, "list", list_types, "list the types, with what they do")
    added.add_argument("word", nargs="?", default="", metavar="WORD", help="only types whose name contains it")
    added = command(group, "doc", print_type, "print the properties and outputs of a type")
    added.add_argument("type", metavar="TYPE", help="such as io.kestra.plugin.core.log.Log")
    added.add_argument("--form", choices=("markdown", "json"), default="markdown")


def list_types(arguments: argparse.Namespace) -> int:
    """Run `penstock plugin list`."""
    from deploy.plugin_commands import listing

    return listing(arguments.word)


def print_type(arguments: argparse.Namespace) -> int:
    """Run `penstock plugin doc`."""
    from deploy.plugin_commands import doc

    return doc(arguments.type, arguments.form)


def add_expression(commands: Any) -> None:
    """Add `penstock expression`."""
    group = group_of(commands, "expression", "try the expression language out")
    added = command(group, "eval", evaluate, "render one template and print what it gives")
    added.add_argument("template", metavar="TEMPLATE", help="such as '{{ inputs.name | upper }}'")
    added.add_argument("--vars", type=Path, metavar="FILE", help="variables as YAML or JSON")
    add_dialect(added)
    added.add_argument("--typed", action="store_true", help="print the value as JSON, not the text a task gets")


def evaluate(arguments: argparse.Namespace) -> int:
    """Run `penstock expression eval`."""
    from deploy.expression_command import evaluate as evaluate_template
    from engine.expression import Dialect

    return evaluate_template(arguments.template, arguments.vars, Dialect(arguments.dialect), arguments.typed)


def add_topics(commands: Any) -> None:
    """Add `penstock topics`."""
    group = group_of(commands, "topics", "make, list and read the topics of the log")
    added = command(group, "apply", apply_topics, "create the topics that are missing, mend settings that differ")
    add_settings_arguments(added)
    added = command(group, "list", list_topics, "list the topics with their keys, messages, partitions and cleanup")
    add_settings_arguments(added)
    added = command(group, "tail", tail_topic, "print the records of a topic, decoded, as JSON lines")
    add_settings_arguments(added)
    added.add_argument("topic", metavar="TOPIC", help="a name of `penstock topics list`, such as executions.events")
    added.add_argument("--key", help="only records of this key, such as an execution's id")
    added.add_argument("--from-end", action="store_true", help="only what comes from now on")
    added.add_argument("--follow", action="store_true", help="go on waiting for further records")


def apply_topics(arguments: argparse.Namespace) -> int:
    """Run `penstock topics apply`."""
    from deploy.topic_commands import apply

    return apply(settings_of(arguments))


def list_topics(arguments: argparse.Namespace) -> int:
    """Run `penstock topics list`."""
    from deploy.topic_commands import table

    return table(settings_of(arguments))


def tail_topic(arguments: argparse.Namespace) -> int:
    """Run `penstock topics tail`."""
    from deploy.topic_commands import tail

    return tail(
        settings_of(arguments), arguments.topic, key=arguments.key, from_end=arguments.from_end, follow=arguments.follow
    )


def add_views(commands: Any) -> None:
    """Add `penstock views`."""
    group = group_of(commands, "views", "look after the SQL views that the api reads")
    added = command(group, "rebuild", rebuild_views, "forget the views; the api folds them from the log again")
    add_settings_arguments(added)


def rebuild_views(arguments: argparse.Namespace) -> int:
    """Run `penstock views rebuild`."""
    from deploy.view_commands import rebuild

    return rebuild(settings_of(arguments))


def add_kv(commands: Any) -> None:
    """Add `penstock kv`."""
    group = group_of(commands, "kv", "list, read, set and delete keys of namespaces, in the storage itself")
    added = command(group, "list", list_keys, "list the keys of a namespace")
    add_settings_arguments(added)
    added.add_argument("namespace", metavar="NAMESPACE")
    added.add_argument("--prefix", default="", help="only keys that begin like this")
    added = command(group, "get", print_value, "print the value of a key")
    add_place(added)
    added = command(group, "set", set_value, "set a key")
    add_place(added)
    added.add_argument("value", metavar="VALUE", help="in JSON or ION, unless --type says what it is")
    kinds = ("STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON")
    added.add_argument("--type", choices=kinds, help="what the value is, such as STRING for any text")
    added.add_argument("--ttl", metavar="DURATION", help="after how long it expires, such as PT1H")
    added.add_argument("--description", metavar="TEXT")
    added = command(group, "delete", delete_key, "delete a key")
    add_place(added)


def add_place(added: argparse.ArgumentParser) -> None:
    """Add what names one key."""
    add_settings_arguments(added)
    added.add_argument("namespace", metavar="NAMESPACE")
    added.add_argument("key", metavar="KEY")


def list_keys(arguments: argparse.Namespace) -> int:
    """Run `penstock kv list`."""
    from deploy.key_commands import list_keys as run

    return run(settings_of(arguments), arguments.namespace, arguments.prefix)


def print_value(arguments: argparse.Namespace) -> int:
    """Run `penstock kv get`."""
    from deploy.key_commands import print_value as run

    return run(settings_of(arguments), arguments.namespace, arguments.key)


def set_value(arguments: argparse.Namespace) -> int:
    """Run `penstock kv set`."""
    from deploy.key_commands import set_value as run

    return run(
        settings_of(arguments),
        arguments.namespace,
        arguments.key,
        arguments.value,
        kind=arguments.type,
        ttl=arguments.ttl,
        description=arguments.description,
    )


def delete_key(arguments: argparse.Namespace) -> int:
    """Run `penstock kv delete`."""
    from deploy.key_commands import delete_key as run

    return run(settings_of(arguments), arguments.namespace, arguments.key)


def print_settings(_arguments: argparse.Namespace) -> int:
    """Run `penstock settings`."""
    from deploy.settings import leaves

    for each in leaves():
        print(f"{each.name} = {each.default}  [{each.unit}]\n    {each.variable}\n    {each.why}")
    return 0


def print_version(_arguments: argparse.Namespace) -> int:
    """Run `penstock version`."""
    print(f"penstock {importlib.metadata.version('penstock')}, Python {sys.version.split()[0]}")
    return 0
