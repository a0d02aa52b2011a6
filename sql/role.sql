-- The account of the daemon: it reads the tables and the change feed, and can do nothing else.
--
--     psql -d mail -v ON_ERROR_STOP=1 -f sql/role.sql
--     psql -d mail -v ON_ERROR_STOP=1 -v schema=postern -v role=postern2 -f sql/role.sql
--
-- Defaults: role postern, schema haraka. Run it in the database that holds the tables, after schema.sql and
-- feed.sql (without feed.sql, also on pg-profile's own tables, it grants what there is), and again after
-- either. It sets no password: use \password postern, peer or certificate, as pg_hba.conf asks.
--
-- A role has besides what PUBLIC has. To take PUBLIC's rights to make temporary tables and, in databases
-- made by PostgreSQL 14 or older, objects in schema public:
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
-- An existing role is taken, not made smaller: somebody may need what it can.
SELECT format($do$DO $$BEGIN RAISE 'role %I can more than read: take another (-v role=...)'; END$$$do$, rolname)
FROM pg_roles WHERE rolname = :'role'
AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR NOT rolcanlogin)
\gexec
-- What keeps an accident small; the daemon could lift them, the grants below it could not.
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '5min';
ALTER ROLE :"role" SET lock_timeout = '30s';
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '5min';

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role')
\gexec
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
AND p.proname IN ('feed_ready', 'feed_marks', 'feed_position', 'feed_since')
\gexec
COMMIT;
