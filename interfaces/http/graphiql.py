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
<script type="module" src="/graphiql/start.js"></script>
</body>
</html>
"""
_START = """
const kept = localStorage.getItem("edgewise-token");
const answer = kept ? null : await fetch("/auth/session");
const session = answer && answer.ok ? await answer.json() : null;
const asked = () => {
  const given = prompt("API key (edgewise up prints one), or go to /sign-in first:") || "";
  localStorage.setItem("edgewise-token", given);
  return given;
};
// Signed in, the browser sends the cookie; the token shows that this page is ours.
const headers = session ? { "x-csrf-token": session.csrfToken }
  : { authorization: "Bearer " + (kept || asked()) };
const fetcher = GraphiQL.createFetcher({
  url: "/graphql",
  subscriptionUrl: location.origin.replace(/^http/, "ws") + "/graphql",
  headers,
  wsConnectionParams: session ? {} : headers,
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

# The editor styles itself as it goes; scripts come from here alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def graphiql_page() -> HTMLResponse:
    """The page, or a note where its scripts were never fetched."""
    files = [ASSETS / file.rpartition("/")[2] for package in PACKAGES for file in package.files]
    page = _PAGE if all(file.exists() for file in files) else _MISSING
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def graphiql_routes() -> list[Mount | Route]:
    """The page's scripts."""
    return [
        Route("/graphiql/start.js", _start, methods=["GET"]),
        Mount("/graphiql", StaticFiles(directory=ASSETS, check_dir=False), name="graphiql"),
    ]


async def _start(request: Request) -> Response:
    return Response(_START, media_type="text/javascript")
