-- The daemon's account, which can read the tables and the change feed and do nothing else.
--
--     psql -d mail -v ON_ERROR_STOP=1 -f sql/role.sql
--     psql -d mail -v ON_ERROR_STOP=1 -v schema=postern -v role=postern2 -f sql/role.sql
--
-- Defaults: role postern, schema haraka. Run the file in the database that contains the tables, after schema.sql
-- and feed.sql, and again whenever either was run again. Without feed.sql, and on pg-profile's own tables, it grants
-- the rights to whatever exists. It sets no password: use \password postern, peer or a certificate, depending on
-- pg_hba.conf.
--
-- An existing role is refused, and left as it is, if it owns anything in this database, or could write through a role
-- of which it is a member. Its rights to the tables of Postern become those of reading.
--
-- Every role also has the rights of PUBLIC. To revoke PUBLIC's rights to create temporary tables and, in databases
-- created by PostgreSQL 14 or older, objects in the schema public:
--	REVOKE TEMPORARY ON DATABASE mail FROM PUBLIC;
--	REVOKE CREATE ON SCHEMA public FROM PUBLIC;

\set ON_ERROR_STOP 1
\if :{?schema}
\else
	\set schema haraka
\endif
\if :{?role}
\else
	\set role postern
\endif
SET client_min_messages = warning;

BEGIN;
SELECT format('CREATE ROLE %I LOGIN NOINHERIT', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role')
\gexec
-- An existing role keeps its rights, because others may need them; one with rights beyond reading, or without LOGIN, is refused.
SELECT format($do$DO $$BEGIN RAISE 'role %I has rights beyond reading, or cannot log in: choose another role (-v role=...)'; END$$$do$, rolname)
FROM pg_roles WHERE rolname = :'role'
AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR NOT rolcanlogin)
\gexec
-- A role that could write by owning something, or through another role, is refused before anything is changed: whoever
-- owns the tables also uses this role to write them.
SELECT format('DO %L', format('BEGIN RAISE ''%%'', %L; END', format('role %I %s: choose another role (-v role=...)',
	:'role', reason)))
FROM (
	SELECT 'owns ' || pg_describe_object(d.classid, d.objid, d.objsubid) AS reason
	FROM pg_shdepend AS d
	JOIN pg_roles AS r ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
	WHERE d.deptype = 'o' AND r.rolname = :'role'
	AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	UNION ALL
	SELECT format('is a member of %I, which ', m.rolname) || coalesce(
		(SELECT 'owns ' || pg_describe_object(d.classid, d.objid, d.objsubid)
		FROM pg_shdepend AS d
		WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = m.oid AND d.deptype = 'o'
		AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
		LIMIT 1),
		'has rights beyond reading')
	FROM pg_roles AS r
	JOIN pg_roles AS m ON m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
	WHERE r.rolname = :'role'
	AND (m.rolsuper OR m.rolcreatedb OR m.rolcreaterole OR m.rolreplication OR m.rolbypassrls
		OR m.rolname LIKE 'pg\_%' AND m.rolname NOT IN ('pg_read_all_data', 'pg_read_all_settings',
			'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_monitor')
		OR EXISTS (SELECT FROM pg_shdepend AS d
			WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = m.oid AND d.deptype = 'o'
			AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
		OR EXISTS (SELECT FROM pg_class AS c
			WHERE c.relnamespace = quote_ident(:'schema')::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
			AND (has_table_privilege(m.oid, c.oid, 'DELETE, TRUNCATE, TRIGGER')
				OR has_any_column_privilege(m.oid, c.oid, 'INSERT, UPDATE, REFERENCES')))
		OR has_schema_privilege(m.oid, quote_ident(:'schema')::regnamespace::oid, 'CREATE')
			AND NOT has_schema_privilege('public', quote_ident(:'schema')::regnamespace::oid, 'CREATE'))
) AS reasons
LIMIT 1
\gexec
-- These settings limit the damage of an accident. The daemon could change them, but not the grants below.
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '5min';
ALTER ROLE :"role" SET lock_timeout = '30s';
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '5min';

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
\gexec
REVOKE CREATE ON SCHEMA :"schema" FROM :"role";
GRANT USAGE ON SCHEMA :"schema" TO :"role";
SELECT format('REVOKE ALL ON %s FROM %I', c.oid::regclass, :'role'),
	format('GRANT SELECT ON %s TO %I', c.oid::regclass, :'role')
FROM pg_class AS c
WHERE c.relnamespace = quote_ident(:'schema')::regnamespace
AND c.relname IN ('users', 'profiles', 'changes', 'feed_state', 'feed_crash_mark')
ORDER BY c.relname
\gexec
SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, :'role')
FROM pg_proc AS p
WHERE p.pronamespace = quote_ident(:'schema')::regnamespace
AND p.proname IN ('feed_ready', 'feed_marks', 'feed_look', 'feed_position', 'feed_since', 'feed_timeline')
\gexec
COMMIT;
