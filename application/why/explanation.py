"""A chain as text: a tree from what is to what led to it, an event a line.

An event that several others follow from is told once; where it comes up again, a line points back
to it. So the text grows with the chain and not with the number of ways through it.
"""

from collections.abc import Iterator

from application.why.chain import Because, Chain, Link, Tie

MOST_LINES = 400


def explanation(chain: Chain) -> str:
    """Lines, of which the first names the object."""
    lines = [f"{chain.subject.kind} {chain.subject.id}"]
    for line in _lines(chain):
        if len(lines) == MOST_LINES:
            lines.append("… and more: page through the links")
            break
        lines.append(line)
    if not chain.complete:
        lines.append("… more led to this than is followed")
    return "\n".join(lines)


def _lines(chain: Chain) -> Iterator[str]:
    links = {link.reference: link for link in chain.links}
    told: set[str] = set()
    roots = [link for link in chain.links if link.explains]
    waiting: list[tuple[int, Link | Because]] = [(0, link) for link in reversed(roots)]
    while waiting:
        depth, item = waiting.pop()
        link = item if isinstance(item, Link) else links.get(item.reference)
        margin = "  " * depth + ("└ " if depth else "• ")
        if link is None:
            yield f"{margin}{item.summary}"
            continue
        if link.reference in told:
            if depth:
                yield f"{margin}#{link.position} (told above)"
            continue
        told.add(link.reference)
        sets = f"  [{', '.join(link.explains)}]" if link.explains else ""
        yield f"{margin}#{link.position} {link.summary}{sets}"
        waiting += [(depth + 1, because) for because in reversed(_causes_first(link))]


def _causes_first(link: Link) -> list[Because]:
    return sorted(link.because, key=lambda because: list(Tie).index(because.tie))
