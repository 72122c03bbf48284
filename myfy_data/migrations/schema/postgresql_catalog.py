"""What is asked of PostgreSQL's catalogs: for each object its name, and the statement that makes it.

Objects of extensions come with them. No owner, privilege or tablespace is told: those are a server's.
"""

from __future__ import annotations

_USERS = """n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.objid = {0}.oid AND e.classid = '{1}'::regclass
    AND e.deptype = 'e')"""
"""Whether an object is a user's."""


def _users(alias: str, catalog: str) -> str:
    return _USERS.format(alias, catalog)


_NAME = "quote_ident(n.nspname) || '.' || quote_ident({0})"
_CLASS = _NAME.format("c.relname")
_SHOWN = f"lower(c.relname) <> ALL (CAST(:hidden AS text[])) AND {_users('c', 'pg_class')}"
_FROM_CLASS = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"

SCHEMAS = f"""
SELECT n.nspname AS name, 'CREATE SCHEMA ' || quote_ident(n.nspname) AS made
FROM pg_namespace n WHERE n.nspname <> 'public' AND {_users("n", "pg_namespace")}
"""

EXTENSIONS = """
SELECT x.extname AS name,
  'CREATE EXTENSION IF NOT EXISTS ' || quote_ident(x.extname) || ' WITH SCHEMA ' || quote_ident(n.nspname) AS made
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'
"""

TYPES = f"""
SELECT {_NAME.format("t.typname")} AS name, 'CREATE TYPE ' || {_NAME.format("t.typname")} || CASE t.typtype
    WHEN 'e' THEN ' AS ENUM (' || (SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
      FROM pg_enum v WHERE v.enumtypid = t.oid) || ')'
    WHEN 'r' THEN ' AS RANGE (SUBTYPE = ' || (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r
      WHERE r.rngtypid = t.oid) || ')'
    ELSE ' AS (' || coalesce((SELECT string_agg(quote_ident(a.attname) || ' '
    || format_type(a.atttypid, a.atttypmod), ', '
      ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '')
      || ')' END AS made
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class k ON k.oid = t.typrelid
WHERE (t.typtype IN ('e', 'r') OR (t.typtype = 'c' AND k.relkind = 'c')) AND {_users("t", "pg_type")}
"""

DOMAINS = f"""
SELECT {_NAME.format("t.typname")} AS name, 'CREATE DOMAIN ' || {_NAME.format("t.typname")} || ' AS '
  || format_type(t.typbasetype, t.typtypmod) || coalesce(' DEFAULT ' || t.typdefault, '')
  || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
  || coalesce((SELECT string_agg(' CONSTRAINT ' || quote_ident(o.conname) || ' ' || pg_get_constraintdef(o.oid), ''
    ORDER BY o.conname) FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c'), '') AS made
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd' AND {_users("t", "pg_type")}
"""

_OF_IDENTITY = """EXISTS (SELECT 1 FROM pg_depend i WHERE i.objid = c.oid AND i.classid = 'pg_class'::regclass
  AND i.deptype = 'i')"""

SEQUENCES = f"""
SELECT {_CLASS} AS name, 'CREATE SEQUENCE ' || {_CLASS} || ' AS ' || format_type(s.seqtypid, NULL)
  || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement || ' MINVALUE ' || s.seqmin
  || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END AS made
{_FROM_CLASS} JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE NOT {_OF_IDENTITY} AND {_SHOWN}
"""

SEQUENCE_OWNERS = f"""
SELECT {_CLASS} AS name, 'ALTER SEQUENCE ' || {_CLASS} || ' OWNED BY ' || quote_ident(tn.nspname) || '.'
  || quote_ident(t.relname) || '.' || quote_ident(a.attname) AS made
{_FROM_CLASS} JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE c.relkind = 'S' AND {_SHOWN}
"""

FUNCTIONS = f"""
SELECT {_NAME.format("p.proname")} || pg_get_function_identity_arguments(p.oid)
    AS name, pg_get_functiondef(p.oid) AS made
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind <> 'a' AND {_users("p", "pg_proc")}
"""

TABLES = f"""
SELECT {_CLASS}
    AS name, CASE WHEN c.relkind = 'f' THEN 'FOREIGN ' WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' ELSE '' END
  || 'TABLE' AS kind, CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) ELSE '' END AS bound,
  coalesce(' PARTITION BY ' || pg_get_partkeydef(c.oid), '')
  || coalesce((SELECT ' SERVER ' || quote_ident(w.srvname) FROM pg_foreign_table f
    JOIN pg_foreign_server w ON w.oid = f.ftserver WHERE f.ftrelid = c.oid), '')
  || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS behind
{_FROM_CLASS} WHERE c.relkind IN ('r', 'p', 'f') AND {_SHOWN}
"""

PARENTS = f"""
SELECT {_CLASS} AS name, quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent
{_FROM_CLASS} JOIN pg_inherits h ON h.inhrelid = c.oid JOIN pg_class p ON p.oid = h.inhparent
JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE c.relkind IN ('r', 'p', 'f') ORDER BY c.oid, h.inhseqno
"""

COLUMNS = f"""
SELECT {_CLASS} AS name, quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN (SELECT ' COLLATE '
    || quote_ident(ln.nspname)
    || '.' || quote_ident(l.collname) FROM pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace
    WHERE l.oid = a.attcollation) ELSE '' END
  || CASE WHEN a.attidentity = 'a' THEN ' GENERATED ALWAYS AS IDENTITY' WHEN a.attidentity = 'd'
    THEN ' GENERATED BY DEFAULT AS IDENTITY' WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS ('
    || pg_get_expr(d.adbin, d.adrelid) || ') STORED' WHEN a.attgenerated = 'v' THEN ' GENERATED ALWAYS AS ('
    || pg_get_expr(d.adbin, d.adrelid) || ') VIRTUAL'
    ELSE coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') END
  || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS made
{_FROM_CLASS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND {_SHOWN} ORDER BY {_CLASS}, a.attnum
"""

_CONSTRAINT = "'CONSTRAINT ' || quote_ident(o.conname) || ' ' || pg_get_constraintdef(o.oid)"
_OF_TABLES = f"{_FROM_CLASS} JOIN pg_constraint o ON o.conrelid = c.oid WHERE NOT c.relispartition AND {_SHOWN}"

CHECKS = f"""
SELECT {_CLASS} AS name, {_CONSTRAINT} AS made {_OF_TABLES} AND o.contype = 'c' AND o.conislocal
ORDER BY {_CLASS}, o.conname
"""

_ALTER = f"'ALTER TABLE ' || {_CLASS} || ' ADD ' || {_CONSTRAINT}"
KEYS = f"""
SELECT {_CLASS} || CAST(o.contype AS text) AS name, {_ALTER} AS made {_OF_TABLES} AND o.contype IN ('p', 'u', 'x')
"""
FOREIGN_KEYS = f"SELECT {_CLASS} AS name, {_ALTER} AS made {_OF_TABLES} AND o.contype = 'f' AND o.conparentid = 0"

_INDEXES = f"""
SELECT {_CLASS} AS name, pg_get_indexdef(i.indexrelid) AS made
{_FROM_CLASS} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
WHERE NOT x.relispartition AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid
    AND o.contype IN
  ('p', 'u', 'x')) AND {_SHOWN}
"""
INDEXES = f"{_INDEXES} AND c.relkind IN ('r', 'p')"
VIEW_INDEXES = f"{_INDEXES} AND c.relkind = 'm'"

VIEWS = f"""
SELECT {_CLASS} AS name, 'CREATE ' || CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END || 'VIEW ' || {_CLASS}
  || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') || E' AS\\n'
    || pg_get_viewdef(c.oid, true) AS made
{_FROM_CLASS} WHERE c.relkind IN ('v', 'm') AND {_SHOWN}
"""

VIEW_NEEDS = f"""
SELECT DISTINCT {_CLASS} AS name, quote_ident(pn.nspname) || '.' || quote_ident(p.relname) AS parent
{_FROM_CLASS} JOIN pg_rewrite r ON r.ev_class = c.oid JOIN pg_depend d ON d.objid = r.oid
  AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
JOIN pg_class p ON p.oid = d.refobjid JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relkind IN ('v', 'm') AND p.oid <> c.oid
"""

RULES = f"""
SELECT {_CLASS} || r.rulename AS name, rtrim(pg_get_ruledef(r.oid), ';') AS made
{_FROM_CLASS} JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND {_SHOWN}
"""

TRIGGERS = f"""
SELECT {_CLASS} || t.tgname AS name, pg_get_triggerdef(t.oid) AS made
{_FROM_CLASS} JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {_SHOWN}
"""

ROW_SECURITY = f"""
SELECT {_CLASS} AS name, 'ALTER TABLE ' || {_CLASS} || CASE WHEN c.relforcerowsecurity
  THEN ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY' ELSE ' ENABLE ROW LEVEL SECURITY' END AS made
{_FROM_CLASS} WHERE c.relrowsecurity AND {_SHOWN}
"""

POLICIES = f"""
SELECT {_CLASS} || p.polname AS name, 'CREATE POLICY ' || quote_ident(p.polname) || ' ON ' || {_CLASS}
  || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END || ' FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT'
    WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
  || CASE WHEN p.polroles = '{{0}}' THEN '' ELSE ' TO ' || (SELECT string_agg(quote_ident(r.rolname), ', '
    ORDER BY r.rolname)
    FROM pg_roles r WHERE r.oid = ANY (p.polroles)) END
  || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
  || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') AS made
{_FROM_CLASS} JOIN pg_policy p ON p.polrelid = c.oid WHERE {_SHOWN}
"""

COMMENTS = f"""
SELECT {_CLASS} || d.objsubid AS name, 'COMMENT ON ' || CASE WHEN d.objsubid > 0 THEN 'COLUMN ' || {_CLASS} || '.'
  || quote_ident(a.attname) ELSE CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'i'
  THEN 'INDEX ' WHEN 'S' THEN 'SEQUENCE ' WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || {_CLASS} END
  || ' IS ' || quote_literal(d.description) AS made
{_FROM_CLASS} JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'S') AND {_SHOWN}
"""
