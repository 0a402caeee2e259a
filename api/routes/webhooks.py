"""The address of webhooks: whoever knows a key starts an execution, and needs nothing else."""

from __future__ import annotations

from aiohttp import web

from api import executions as ex
from api import webhooks
from api.context import CONTEXT
from api.forms import Target
from api.routes.route import Route

PATH = "/executions/webhook/{namespace}/{flowId}/{key}"


async def call(request: web.Request) -> web.Response:
    """Start an execution with what the request says; 204 if the trigger's conditions don't hold."""
    context = request.app[CONTEXT]
    namespace, flow_id, key = (request.match_info[name] for name in ("namespace", "flowId", "key"))
    found, trigger = await webhooks.find_webhook(context, namespace, flow_id, key)
    id = ex.new_id()
    variables = await webhooks.variables_of_request(request, context, Target(id, namespace, flow_id))
    command = await webhooks.command_of(context, found, trigger, variables, id)
    if command is None:
        return web.Response(status=204)
    await context.commands.ask("executions", id, command)
    return await webhooks.answer(context, trigger, id)


async def below(_request: web.Request) -> web.Response:
    """Answer what lies below a key as a wrong key: no trigger of the language itself takes a path."""
    raise webhooks.unknown()


ROUTES = (
    *(Route(method, PATH, call) for method in ("GET", "POST", "PUT")),
    *(Route(method, PATH + "/{path:.*}", below) for method in ("GET", "POST", "PUT")),
)
