"""The pages for signing in and for taking an invitation: plain HTML forms, no script at all."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

STYLE_PATH = "/auth/style.css"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2430; background: #f4f6f8; margin: 0 }
main { max-width: 22rem; margin: 12vh auto; padding: 2rem; background: #fff; border-radius: 8px;
  box-shadow: 0 1px 4px #0002 }
h1 { font-size: 1.3rem; margin: 0 0 1rem }
label { display: block; margin: 0.8rem 0 0.2rem }
input { width: 100%; box-sizing: border-box; font: inherit; padding: 0.5rem; border: 1px solid #99a;
  border-radius: 4px }
button, a.button { display: block; width: 100%; box-sizing: border-box; margin-top: 1.2rem;
  padding: 0.6rem; border: 0; border-radius: 4px; background: #14508c; color: #fff; font: inherit;
  text-align: center; text-decoration: none; cursor: pointer }
a.button { background: #4a5568 }
p.error { color: #a01818; margin: 0 0 0.5rem }
p.note { color: #555; font-size: 0.9rem }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/auth/style.css">
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_EMAIL_FIELD = """<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" required autofocus>
"""
_NAME_FIELD = """<label for="name">Your name</label>
<input id="name" name="name" autocomplete="name" required>
"""
_TYPED_FIELD = """<label for="password">{label}</label>
<input id="password" name="password" type="password" autocomplete="{complete}" required>
"""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    # With no-referrer a browser says “Origin: null” even to us.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def sign_in_page(
    error: str | None = None, status: int = 200, provider: str | None = None
) -> Response:
    """`provider` is the name of the identity provider, where there is one."""
    password = _TYPED_FIELD.format(label="Password", complete="current-password")
    form = _form("/auth/sign-in", _EMAIL_FIELD + password, "Sign in")
    return _page("Sign in to Edgewise", _error(error) + form + _provider(provider, ""), status)


def signed_in_page(name: str, tenant: str | None, token: str) -> Response:
    """For whoever is signed in already; `token` is the session's CSRF token."""
    where = f"You act in {escape(tenant)}." if tenant else "No organization has you as a member."
    note = f'<p class="note">You are signed in as {escape(name)}. {where}</p>\n'
    link = '<a class="button" href="/graphql">Try queries</a>\n'
    hidden = f'<input type="hidden" name="csrfToken" value="{token}">\n'
    return _page("Edgewise", note + link + _form("/auth/sign-out", hidden, "Sign out"), 200)


def invitation_page(
    token: str,
    email: str,
    *,
    known: bool,
    error: str | None = None,
    status: int = 200,
    provider: str | None = None,
) -> Response:
    """For a user who is `known` the password is the one they have."""
    hidden = f'<input type="hidden" name="token" value="{escape(token)}">\n'
    label = "Your password" if known else "A password of 15 characters or more"
    complete = "current-password" if known else "new-password"
    fields = ("" if known else _NAME_FIELD) + _TYPED_FIELD.format(label=label, complete=complete)
    note = f'<p class="note">You are invited as {escape(email)}.</p>\n'
    form = _form("/auth/invitation", hidden + fields, "Join")
    other = _provider(provider, f"?invitation={escape(token)}")
    return _page("Join on Edgewise", _error(error) + note + form + other, status)


def message_page(title: str, message: str, status: int) -> Response:
    body = f'<p class="error">{escape(message)}</p>\n<a class="button" href="/sign-in">Sign in</a>'
    return _page(title, body, status)


async def style(request: Request) -> Response:
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


def _page(title: str, body: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status, headers=HEADERS)


def _form(action: str, fields: str, button: str) -> str:
    return (
        f'<form method="post" action="{action}">\n{fields}'
        f'<button type="submit">{button}</button>\n</form>\n'
    )


def _error(error: str | None) -> str:
    return f'<p class="error" role="alert">{escape(error)}</p>\n' if error else ""


def _provider(name: str | None, query: str) -> str:
    if name is None:
        return ""
    return f'<a class="button" href="/auth/oidc/start{query}">Continue with {escape(name)}</a>'
