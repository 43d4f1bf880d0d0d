"""The definition of a live table as the SQL that makes its equal in another schema.

Everything that tells two tables apart is read from the catalog: columns, constraints and indexes
under their own names, storage, owner, grants, row-level security and its policies. The text also
tells whether a table was changed meanwhile: equal tables have equal definitions. What points at a
table from elsewhere (a foreign key to it, a SQL view) is not copied: PostgreSQL refuses to drop the
live table then, and nothing happens.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import DictRow

_TABLE = """
SELECT c.oid, pg_get_userbyid(c.relowner) AS owner, c.relrowsecurity, c.relforcerowsecurity,
       coalesce(array_to_string(c.reloptions, ', '), '') AS options,
       (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                          a.attnotnull, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c WHERE c.oid = format('public.%%I', %(table)s::text)::regclass
"""
_CONSTRAINTS = """
SELECT conname AS name, contype = 'f' AS foreign, pg_get_constraintdef(oid) AS text
FROM pg_constraint WHERE conrelid = %(oid)s AND contype IN ('p', 'u', 'x', 'f') ORDER BY conname
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) AS text FROM pg_index i WHERE i.indrelid = %(oid)s
  AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid
                  AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x'))
ORDER BY 1
"""
_TRIGGERS = """
SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger
WHERE tgrelid = %(oid)s AND NOT tgisinternal ORDER BY 1
"""
_POLICIES = """
SELECT polname AS name, polpermissive AS permissive, pg_get_expr(polqual, polrelid) AS using,
       CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                   WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       pg_get_expr(polwithcheck, polrelid) AS with_check,
       (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', '
                          ORDER BY r) FROM unnest(polroles) AS r) AS roles
FROM pg_policy WHERE polrelid = %(oid)s ORDER BY polname
"""
_GRANTS = """
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS role,
       string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS rights, a.is_grantable
FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
WHERE c.oid = %(oid)s AND a.grantee <> c.relowner GROUP BY 1, 3 ORDER BY 1, 3
"""


class Definition:
    """`beside` makes the new table and all that belongs to it; `after` is to be run when it has
    taken the live one's place, since it names that. Definitions that say the same are equal."""

    def __init__(self, connection: Connection[DictRow], table: str, schema: str) -> None:
        """Raises psycopg's UndefinedTable when there is no such live table."""
        self._schema, self._name = schema, table
        self._live, self._new = sql.Identifier("public", table), sql.Identifier(schema, table)
        row = connection.execute(_TABLE, {"table": table}).fetchone()
        assert row is not None
        self._of = {"oid": row["oid"]}
        self.columns: str = row["columns"]
        constraints = list(connection.execute(_CONSTRAINTS, self._of))
        self.beside = [
            text.as_string(connection)
            for text in (
                *self._table(row),
                *(self._constraint(each) for each in constraints if not each["foreign"]),
                *(self._moved(each["text"]) for each in connection.execute(_INDEXES, self._of)),
                *self._security(row, connection.execute(_POLICIES, self._of).fetchall()),
                *self._grants(connection.execute(_GRANTS, self._of).fetchall()),
            )
        ]
        self.after = [
            *(
                self._constraint(each, live=True).as_string(connection)
                for each in constraints
                if each["foreign"]
            ),
            *(str(each["text"]) for each in connection.execute(_TRIGGERS, self._of)),
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definition) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._name)

    def _said(self) -> tuple[Any, ...]:
        return self.columns, self.beside, self.after

    def _table(self, row: DictRow) -> Iterator[sql.Composed]:
        make = "CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)"
        yield sql.SQL(make).format(self._new, self._live)
        owner = sql.Identifier(row["owner"])
        yield sql.SQL("ALTER TABLE {} OWNER TO {}").format(self._new, owner)
        if row["options"]:
            yield sql.SQL("ALTER TABLE {} SET ({})").format(self._new, sql.SQL(row["options"]))

    def _constraint(self, row: DictRow, *, live: bool = False) -> sql.Composed:
        table, name = self._live if live else self._new, sql.Identifier(row["name"])
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        return add.format(table, name, sql.SQL(row["text"]))

    def _moved(self, index: str) -> sql.Composed:
        """An index's text names its table once, between ON and USING."""
        before, using, rest = index.partition(" USING ")
        return sql.SQL("{} ON {}{}").format(
            sql.SQL(before[: before.rindex(" ON ")]), self._new, sql.SQL(using + rest)
        )

    def _security(self, row: DictRow, policies: Sequence[DictRow]) -> Iterator[sql.Composed]:
        if row["relrowsecurity"]:
            yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(self._new)
        if row["relforcerowsecurity"]:
            yield sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(self._new)
        for policy in policies:
            kind = "PERMISSIVE" if policy["permissive"] else "RESTRICTIVE"
            text = f" AS {kind} FOR {policy['command']} TO {policy['roles']}"
            if policy["using"] is not None:
                text += f" USING ({policy['using']})"
            if policy["with_check"] is not None:
                text += f" WITH CHECK ({policy['with_check']})"
            name = sql.Identifier(policy["name"])
            yield sql.SQL("CREATE POLICY {} ON {}{}").format(name, self._new, sql.SQL(text))

    def _grants(self, grants: Sequence[DictRow]) -> Iterator[sql.Composed]:
        for grant in grants:
            option = " WITH GRANT OPTION" if grant["is_grantable"] else ""
            yield sql.SQL("GRANT {} ON {} TO {}{}").format(
                sql.SQL(grant["rights"]), self._new, sql.SQL(grant["role"]), sql.SQL(option)
            )
