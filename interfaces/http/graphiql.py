"""The page at GET /graphql for trying queries out. It loads nothing from anywhere else."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from interfaces.graphiql.fetch import ASSETS, PACKAGES

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Edgewise GraphQL</title>
<link rel="stylesheet" href="/graphiql/graphiql.min.css">
<style>html, body, #graphiql { height: 100%; margin: 0 }</style>
</head>
<body>
<div id="graphiql">Loading…</div>
<script src="/graphiql/react.production.min.js"></script>
<script src="/graphiql/react-dom.production.min.js"></script>
<script src="/graphiql/graphiql.min.js"></script>
<script src="/graphiql/start.js"></script>
</body>
</html>
"""
_START = """
const token = () => localStorage.getItem("edgewise-token") ||
  (() => {
    const given = prompt("API key (edgewise up prints one):") || "";
    localStorage.setItem("edgewise-token", given);
    return given;
  })();
const authorization = "Bearer " + token();
const fetcher = GraphiQL.createFetcher({
  url: "/graphql",
  subscriptionUrl: location.origin.replace(/^http/, "ws") + "/graphql",
  headers: { authorization },
  wsConnectionParams: { authorization },
});
const query = "{\\n  viewer {\\n    actor\\n    tenant { name plan }\\n  }\\n}\\n";
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: query })
);
"""
_MISSING = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Edgewise GraphQL</title>
<p>This is the GraphQL endpoint: POST queries here. The page for trying them out is not installed;
<code>make setup</code> fetches it.</p></html>
"""


def graphiql_page() -> HTMLResponse:
    """The page, or a note where its scripts were never fetched."""
    files = [ASSETS / file.rpartition("/")[2] for package in PACKAGES for file in package.files]
    return HTMLResponse(_PAGE if all(file.exists() for file in files) else _MISSING)


def graphiql_routes() -> list[Mount | Route]:
    """The page's scripts."""
    return [
        Route("/graphiql/start.js", _start, methods=["GET"]),
        Mount("/graphiql", StaticFiles(directory=ASSETS, check_dir=False), name="graphiql"),
    ]


async def _start(request: Request) -> Response:
    return Response(_START, media_type="text/javascript")
