//! The questions to the catalogs about what is dropped and emptied.

/// What dropping the seeds drops (`pg_depend`, manual 53.18). What an object holds depends on it
/// automatically or internally; what merely uses it (`n`) goes with CASCADE only. What is internal to
/// another object takes that along: a view's rule the view.
pub(crate) const GONE: &str = "WITH RECURSIVE
    seeds(classid, objid, objsubid) AS (
        SELECT * FROM ({seeds}) AS s(classid, objid, objsubid) WHERE objid IS NOT NULL),
    gone(classid, objid, objsubid) AS (
        SELECT classid, objid, objsubid FROM seeds
        UNION
        SELECT x.classid, x.objid, x.objsubid FROM gone g CROSS JOIN LATERAL (
            SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
             WHERE d.refclassid = g.classid AND d.refobjid = g.objid
               AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid) AND {follows}
               AND d.deptype <> 'e'
            UNION ALL
            SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
             WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND d.deptype = 'e'
            UNION ALL
            SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_depend d
             WHERE d.classid = g.classid AND d.objid = g.objid AND d.deptype = 'i'
               AND g.objsubid = 0 AND {follows} AND g.classid = 'pg_rewrite'::regclass) AS x),
    tables AS (
        SELECT DISTINCT c.oid, c.relname, c.relnamespace, c.reltuples FROM gone g JOIN pg_class c ON g.classid = 'pg_class'::regclass
               AND c.oid = g.objid AND g.objsubid = 0 WHERE c.relkind IN ('r', 'p', 'm')),
    things AS (
        SELECT DISTINCT g.classid, g.objid, g.objsubid FROM gone g
         WHERE NOT EXISTS (SELECT 1 FROM tables t WHERE g.classid = 'pg_class'::regclass
                           AND t.oid = g.objid)
           AND NOT (g.classid IN ('pg_attrdef'::regclass, 'pg_rewrite'::regclass,
                                  'pg_init_privs'::regclass, 'pg_default_acl'::regclass))
           AND NOT (g.classid = 'pg_class'::regclass AND EXISTS (
                SELECT 1 FROM pg_class c WHERE c.oid = g.objid AND c.relkind IN ('t', 'i', 'I', 'S')
                 AND NOT EXISTS (SELECT 1 FROM seeds s WHERE s.objid = g.objid)))
           AND NOT (g.classid = 'pg_type'::regclass AND EXISTS (
                SELECT 1 FROM pg_type t WHERE t.oid = g.objid AND (t.typelem <> 0 OR t.typrelid <> 0)))
           AND NOT (g.classid = 'pg_constraint'::regclass AND EXISTS (
                SELECT 1 FROM pg_constraint k WHERE k.oid = g.objid
                 AND (k.contype <> 'f' OR k.conrelid IN (SELECT oid FROM tables))))
           AND NOT (g.classid = 'pg_trigger'::regclass AND EXISTS (
                SELECT 1 FROM pg_trigger t WHERE t.oid = g.objid
                 AND (t.tgisinternal OR t.tgrelid IN (SELECT oid FROM tables))))
           AND NOT (g.classid = 'pg_class'::regclass AND g.objsubid > 0)),
    users AS (
        SELECT DISTINCT d.classid, d.objid FROM gone g JOIN pg_depend d
            ON d.refclassid = g.classid AND d.refobjid = g.objid
           AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid) AND d.deptype = 'n'
         WHERE NOT EXISTS (SELECT 1 FROM gone o WHERE o.classid = d.classid AND o.objid = d.objid)
           AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS (
                SELECT 1 FROM pg_constraint k WHERE k.oid = d.objid
                   AND k.conrelid IN (SELECT oid FROM tables)))
           AND NOT (d.classid = 'pg_rewrite'::regclass AND EXISTS (
                SELECT 1 FROM pg_rewrite r WHERE r.oid = d.objid AND EXISTS (
                    SELECT 1 FROM gone o WHERE o.classid = 'pg_class'::regclass AND o.objid = r.ev_class))))";

/// What [`GONE`] found, for a reader.
pub(super) const DROPPED: &str = "
    SELECT json_build_object(
        'seeds', (SELECT count(*) FROM seeds),
        'tables', (SELECT coalesce(json_agg(json_build_object(
                'oid', t.oid::bigint, 'name', format('%I.%I', n.nspname, t.relname),
                'hidden', row_security_active(t.oid), 'bytes', pg_total_relation_size(t.oid), 'estimate', t.reltuples,
                'analyzed', (SELECT to_char(greatest(s.last_analyze, s.last_autoanalyze), 'YYYY-MM-DD HH24:MI')
                             FROM pg_stat_user_tables s WHERE s.relid = t.oid))
                ORDER BY n.nspname, t.relname), '[]')
            FROM tables t JOIN pg_namespace n ON n.oid = t.relnamespace),
        'objects', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM (
                SELECT pg_describe_object(classid, objid, objsubid) AS name FROM things) AS d),
        'others', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM (
                SELECT CASE WHEN u.classid = 'pg_rewrite'::regclass
                    THEN (SELECT 'view ' || r.ev_class::regclass FROM pg_rewrite r WHERE r.oid = u.objid)
                    ELSE pg_describe_object(u.classid, u.objid, 0) END AS name FROM users u) AS d))";

/// What TRUNCATE empties: the tables, their partitions, and with CASCADE what refers to them.
pub(super) const TRUNCATED: &str = "WITH RECURSIVE
    down(top, oid) AS (
        SELECT to_regclass(name)::oid, to_regclass(name)::oid FROM unnest({whole}) AS name
        UNION SELECT d.top, i.inhrelid FROM down d JOIN pg_inherits i ON i.inhparent = d.oid),
    named AS (
        SELECT oid FROM down UNION SELECT to_regclass(name)::oid FROM unnest({only}) AS name),
    emptied(oid) AS (
        SELECT oid FROM named
        UNION
        SELECT x.oid FROM emptied e CROSS JOIN LATERAL (
            SELECT f.conrelid AS oid FROM pg_constraint f
             WHERE f.confrelid = e.oid AND f.contype = 'f' AND {cascade}
            UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = e.oid AND {cascade}) AS x),
    users AS (
        SELECT DISTINCT f.conrelid FROM emptied e JOIN pg_constraint f
            ON f.confrelid = e.oid AND f.contype = 'f'
         WHERE f.conrelid NOT IN (SELECT oid FROM emptied WHERE oid IS NOT NULL))
    SELECT json_build_object(
        'missing', (SELECT count(*) FROM named WHERE oid IS NULL),
        'tables', (SELECT coalesce(json_agg(json_build_object(
                'oid', c.oid::bigint, 'name', format('%I.%I', n.nspname, c.relname),
                'hidden', row_security_active(c.oid), 'bytes', pg_total_relation_size(c.oid), 'estimate', c.reltuples,
                'triggers', (SELECT coalesce(json_agg(t.tgname), '[]') FROM pg_trigger t
                             WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
                               AND t.tgtype & 32 <> 0),
                'analyzed', (SELECT to_char(greatest(s.last_analyze, s.last_autoanalyze), 'YYYY-MM-DD HH24:MI')
                             FROM pg_stat_user_tables s WHERE s.relid = c.oid))
                ORDER BY n.nspname, c.relname), '[]')
            FROM emptied e JOIN pg_class c ON c.oid = e.oid JOIN pg_namespace n ON n.oid = c.relnamespace),
        'others', (SELECT coalesce(json_agg(conrelid::regclass::text), '[]') FROM users))";

/// What a database holds, seen from inside.
pub(super) const INSIDE: &str = "SELECT json_build_object(
    'tables', count(*), 'rows', coalesce(sum(greatest(c.reltuples, 0)), 0),
    'bytes', pg_database_size(current_database()),
    'sessions', (SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()),
    'names', coalesce((array_to_json((array_agg(format('%I.%I', n.nspname, c.relname)
                       ORDER BY c.reltuples DESC))[1:8])), '[]'))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";
