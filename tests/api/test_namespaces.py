from __future__ import annotations

from typing import Any


def test_namespaces_are_those_of_flows_with_their_parents(server: Any) -> None:
    for namespace in ("acme.data", "acme.web.shop"):
        server.save(
            f"id: f\nnamespace: {namespace}\ntasks: [{{id: t, type: io.kestra.plugin.core.log.Log, message: m}}]"
        )
    found = server.get("/namespaces/search?sort=id:desc&size=3").json
    assert [each["id"] for each in found["results"]] == ["acme.web.shop", "acme.web", "acme.data"]
    assert found["total"] == 4
    assert server.get("/namespaces/search?q=WEB").json["total"] == 2
    assert server.get("/namespaces/autocomplete?q=data").json == ["acme.data"]
    assert server.post("/namespaces/autocomplete", json={"q": "shop"}).json == ["acme.web.shop"]
    assert server.get("/namespaces/acme").json["id"] == "acme"
    assert server.get("/namespaces/acm").status == 404
