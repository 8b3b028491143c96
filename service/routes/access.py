"""Access: every route states the least scope that it needs; without it no body is read.

``dependencies=[needs(Scope.CURATE)]`` comes before all other parameters of a route. A client that
waits for ``100 Continue`` before it sends its clip gets the refusal instead.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Security, params
from fastapi.security import HTTPBearer
from starlette.routing import BaseRoute

from service.callers import STRANGER, Caller, Scope
from service.problems import RequestError
from service.refusals import Forbidden
from service.routes.context import From, Operation, Parts, add_problem

# Only for the OpenAPI document: ``service.authentication`` reads the header.
_KEY: Final = HTTPBearer(
    scheme_name="key",
    bearerFormat="recirc_<id>_<secret>",
    description="An API key (`recirc keys create`). Each operation names the least scope that it "
    "needs: `check`, `analyst`, `curate` or `admin`; each allows what those before it do. While no "
    "key was ever made, the service is on loopback only and asks for none.",
    auto_error=False,
)
_Shown = Annotated[object, Security(_KEY)]


async def _known(request: Request, context: Parts) -> Caller:
    try:
        return await context.authenticator.caller(request.scope)
    except RequestError:
        return STRANGER


# Who sends a request to a public route; STRANGER without a good key.
Known = Annotated[Caller, Depends(_known)]


class _Needs:
    """Lets a request pass whose caller holds a scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, caller: From, _: _Shown) -> None:
        if not caller.may(self.scope):
            raise Forbidden(needed=self.scope, held=caller.scope)


class _Public:
    """Lets everybody pass and asks nothing: liveness must not wait on a database."""

    scope = Scope.PUBLIC

    async def __call__(self) -> None:
        return


def needs(scope: Scope) -> params.Depends:
    """What a route says in its ``dependencies``."""
    if scope is Scope.PUBLIC:
        return params.Depends(_Public())
    return params.Security(_Needs(scope), scopes=[scope.word])


def stated(route: BaseRoute) -> Scope | None:
    """The scope that a route states; None where it states none."""
    found = [depends.dependency for depends in getattr(route, "dependencies", ())]
    scopes = [one.scope for one in found if isinstance(one, _Needs | _Public)]
    return scopes[0] if scopes else None


def public(routers: Iterable[APIRouter]) -> frozenset[str]:
    """The paths of the routes that anybody may ask."""
    routes = (route for router in routers for route in router.routes)
    return frozenset(
        getattr(route, "path", "") for route in routes if stated(route) is Scope.PUBLIC
    )


def describe(operations: Iterable[Operation]) -> None:
    """Add to operations of an OpenAPI document how a request without the scope is answered."""
    for operation in operations:
        responses = operation["responses"]
        if operation.get("security") and isinstance(responses, dict):
            for status, code in (("401", "unauthorized"), ("403", "forbidden")):
                add_problem(responses.setdefault(status, {}), code)
