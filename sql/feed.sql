-- The change feed records which rows of users and profiles changed, so that Postern reads only those.
--
--     psql -d mail -v ON_ERROR_STOP=1 -f sql/feed.sql
--     psql -d mail -v ON_ERROR_STOP=1 -v schema=postern -v channel=postern -f sql/feed.sql
--
-- Defaults: schema haraka, channel haraka. With an empty channel (-v channel=), the feed sends no NOTIFY: readers
-- only poll, and PREPARE TRANSACTION works on the tables. Run the file again to change the channel, after
-- restoring a dump, and after upgrading Postern; then run role.sql. It needs the tables of schema.sql or those of
-- pg-profile: users and profiles, each with a column id.
--
-- How it works: a statement trigger appends the rows that the statement touched to `changes`, with the id of the
-- transaction. A reader that has the tables as of some database snapshot asks for the rows whose transactions that
-- snapshot did not see as committed. The order of commits does not matter, so a transaction that begins early and
-- commits late is found like any other. NOTIFY only saves the wait for the next poll.
--
-- The feed does not record rows that logical replication applies, because statement triggers do not fire there:
-- do not publish `changes` and feed_*, and install the feed on a subscriber only for rows that are written there.
-- Nor does it record rows that are written while its triggers are disabled, or definitions that change (columns,
-- partitions, policies, other tables of these names). Postern compares the definitions at each poll.

\set ON_ERROR_STOP 1
\if :{?schema}
\else
	\set schema haraka
\endif
\if :{?channel}
\else
	\set channel haraka
\endif
-- A statement that touches more rows than this is recorded as a change of the whole table.
\if :{?max_rows}
\else
	\set max_rows 10000
\endif
SET client_min_messages = warning;

BEGIN;
SET LOCAL search_path = :"schema";
-- In the order of writers and readers, who come to the feed's own tables last: otherwise they could deadlock.
LOCK TABLE profiles, users IN ACCESS EXCLUSIVE MODE;

CREATE TABLE IF NOT EXISTS :"schema".changes (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	tbl text NOT NULL,
	row_id text,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS changes_txid ON changes (txid);
COMMENT ON TABLE changes IS 'Postern''s change feed: rows that were inserted, updated or deleted; pruned after a day';
COMMENT ON COLUMN changes.txid IS 'The top-level transaction that changed the row';
COMMENT ON COLUMN changes.row_id IS 'The row''s id as text; NULL: the whole table';

CREATE TABLE IF NOT EXISTS feed_state (
	one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
	feed_id uuid NOT NULL DEFAULT gen_random_uuid(),
	prunes bigint NOT NULL DEFAULT 0,
	pruned_through xid8 NOT NULL DEFAULT '0'
);
INSERT INTO feed_state DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE feed_state IS 'How far back the change feed reaches';
COMMENT ON COLUMN feed_state.prunes IS 'How many times rows were pruned from changes';
COMMENT ON COLUMN feed_state.pruned_through IS 'The highest transaction id that was pruned';

-- The table is unlogged, so that PostgreSQL empties it when it recovers from a crash or promotes a standby.
-- After that, PostgreSQL may assign transaction ids that readers have already seen to other transactions. A mark
-- that still exists proves that this has not happened since it was written.
CREATE UNLOGGED TABLE IF NOT EXISTS feed_crash_mark (
	mark uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
INSERT INTO feed_crash_mark SELECT WHERE NOT EXISTS (SELECT FROM feed_crash_mark);
COMMENT ON TABLE feed_crash_mark IS 'Contains a row as long as the server has not crashed since that row was written';

-- Only readers have rights to these tables. Row-level security would hide all changes from them.
ALTER TABLE changes DISABLE ROW LEVEL SECURITY;
ALTER TABLE feed_state DISABLE ROW LEVEL SECURITY;
ALTER TABLE feed_crash_mark DISABLE ROW LEVEL SECURITY;

-- A restored dump contains rows with the transaction ids of another cluster.
DELETE FROM changes WHERE txid >= pg_snapshot_xmax(pg_current_snapshot());

-- Prunes at most `at_most` rows older than `keep` and returns how many. The triggers call it occasionally. It
-- never waits: while another call is pruning, it returns 0.
CREATE OR REPLACE FUNCTION feed_prune(keep interval DEFAULT '1 day', at_most integer DEFAULT 10000)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	pruned bigint;
BEGIN
	IF NOT pg_try_advisory_xact_lock('changes'::regclass::oid::bigint) THEN
		RETURN 0;
	END IF;
	DELETE FROM changes WHERE id = ANY (ARRAY(
		SELECT id FROM changes WHERE at < clock_timestamp() - keep ORDER BY id LIMIT at_most));
	GET DIAGNOSTICS pruned = ROW_COUNT;
	RETURN pruned;
END
$function$;

-- The trigger on `changes`: records which rows were pruned, by whatever means, so that readers can tell whether they
-- needed them.
CREATE OR REPLACE FUNCTION feed_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	here CONSTANT xid8 := pg_snapshot_xmax(pg_current_snapshot());
	last xid8;
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		UPDATE feed_state SET feed_id = gen_random_uuid();
		RETURN NULL;
	END IF;
	-- Ids from `here` on belong to another cluster; see above.
	SELECT txid INTO last FROM gone WHERE txid < here ORDER BY txid DESC LIMIT 1;
	IF last IS NOT NULL THEN
		UPDATE feed_state SET prunes = prunes + 1, pruned_through =
			CASE WHEN pruned_through < here THEN greatest(pruned_through, last) ELSE last END;
	END IF;
	RETURN NULL;
END
$function$;

-- The trigger on users and profiles, their partitions and children, after each statement. Arguments: the channel, the
-- largest number of rows to record one by one, and the table that is recorded: users or profiles.
CREATE OR REPLACE FUNCTION feed_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	channel CONSTANT text := TG_ARGV[0];
	max_rows CONSTANT bigint := TG_ARGV[1];
	tbl CONSTANT text := coalesce(TG_ARGV[2], TG_TABLE_NAME);
	ids text[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		ids := ARRAY(SELECT id::text FROM new_rows LIMIT max_rows + 1);
	ELSIF TG_OP = 'TRUNCATE' THEN
		ids := ARRAY[NULL];
	ELSE
		ids := ARRAY(SELECT id::text FROM old_rows LIMIT max_rows + 1);
		IF TG_OP = 'UPDATE' AND cardinality(ids) <= max_rows THEN	-- record both ids if an id changed
			ids := ARRAY(SELECT id::text FROM old_rows UNION SELECT id::text FROM new_rows);
		END IF;
	END IF;
	IF cardinality(ids) = 0 THEN
		RETURN NULL;
	END IF;
	IF cardinality(ids) > max_rows THEN
		ids := ARRAY[NULL];
	END IF;
	INSERT INTO changes (tbl, row_id) SELECT tbl, row_id FROM unnest(ids) AS row_id;
	IF channel <> '' THEN
		PERFORM pg_notify(channel, 'postern');
	END IF;
	IF NOT EXISTS (SELECT FROM feed_crash_mark) THEN
		INSERT INTO feed_crash_mark DEFAULT VALUES;
	END IF;
	-- Prune only when a row is some hours overdue, so that few statements do it, and only in READ COMMITTED:
	-- at a higher isolation level, pruning could make the user's transaction fail.
	IF current_setting('transaction_isolation') = 'read committed'
	AND (SELECT at FROM changes ORDER BY id LIMIT 1) < clock_timestamp() - interval '27 hours' THEN
		PERFORM feed_prune();
	END IF;
	RETURN NULL;
END
$function$;

-- ENABLE ALWAYS: the triggers also fire under session_replication_role = replica. Each event has a trigger of its
-- own, because transition tables require that. A statement trigger fires only for the table that the statement names,
-- so that partitions and children have triggers, too; run the file again after adding one.
SELECT format('DROP TRIGGER IF EXISTS %I ON %s', trigger_name, tbl),
	format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s',
		trigger_name, event, tbl, transition, call),
	format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tbl, trigger_name)
FROM (
	WITH RECURSIVE family AS (
		SELECT name, quote_ident(name)::regclass AS tbl FROM unnest(ARRAY['profiles', 'users']) AS name
		UNION
		SELECT f.name, i.inhrelid::regclass FROM family AS f JOIN pg_inherits AS i ON i.inhparent = f.tbl
	)
	SELECT tbl, event, 'postern_feed_' || lower(event) AS trigger_name, transition,
		format('feed_record(%L, %L, %L)', :'channel', :'max_rows', name) AS call
	FROM family JOIN pg_class AS c ON c.oid = tbl AND c.relkind IN ('r', 'p'), (VALUES
		('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
		('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
		('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
		('TRUNCATE', '')) AS events (event, transition)
	UNION ALL
	SELECT 'changes'::regclass, event, 'postern_forget_' || lower(event), transition, 'feed_forget()'
	FROM (VALUES
		('DELETE', 'REFERENCING OLD TABLE AS gone'),
		('TRUNCATE', '')) AS events (event, transition)
) AS wanted
\gexec

-- Returns whether the feed records every change of both tables from now on.
CREATE OR REPLACE FUNCTION feed_ready() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, :"schema", pg_temp AS $function$
	SELECT count(*) = 8 FROM pg_trigger
	WHERE tgrelid IN (to_regclass('users'), to_regclass('profiles'))
	AND tgfoid = to_regproc('feed_record') AND tgenabled IN ('A', 'O')
$function$;

-- The components of a reader's position. Only feed_look() calls this function.
--	place: the cluster, the database, the tables and the feed
--	triggers: changes when a trigger is dropped, created, disabled or enabled
--	session: as long as it is the same, the server has been running without interruption
--	running: the same in all sessions of a server that has kept running or was stopped cleanly; '-' if unknown
--	wal: no commit that this database snapshot sees is beyond this position
--	snapshot: the committed transactions. On a standby, pg_current_snapshot() does not list running transactions,
--		so there all transactions from the oldest one on count as not seen, and +COUNT/ID follows: how many rows of
--		those transactions are visible nevertheless, and the highest id among them. Rows with higher ids are new. If
--		more rows up to that id are visible later, a transaction was committed late.
CREATE OR REPLACE FUNCTION feed_marks(OUT place text, OUT triggers text, OUT session text,
	OUT running text, OUT wal bigint, OUT prunes bigint, OUT snapshot text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	now_seen CONSTANT pg_snapshot := pg_current_snapshot();
	cluster text := '';
BEGIN
	IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
		SELECT system_identifier INTO cluster FROM pg_control_system();
	END IF;
	SELECT concat_ws('/', cluster, d.oid, 'changes'::regclass::oid, s.feed_id), s.prunes
		INTO place, prunes
		FROM feed_state AS s, pg_database AS d WHERE d.datname = current_database();
	SELECT md5(string_agg(concat_ws(' ', oid, xmin, tgenabled), ',' ORDER BY oid)) INTO triggers
		FROM pg_trigger WHERE tgfoid IN ('feed_record'::regproc, 'feed_forget'::regproc);
	SELECT concat_ws('/', pid, (extract(epoch FROM backend_start) * 1000000)::bigint) INTO session
		FROM pg_stat_activity WHERE pid = pg_backend_pid();
	IF pg_is_in_recovery() THEN
		running := 'standby/' || (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint;
		wal := pg_last_wal_replay_lsn() - '0/0';
		SELECT format('%1$s:%1$s:+%2$s/%3$s', pg_snapshot_xmin(now_seen), count(*), coalesce(max(id), 0))
			INTO snapshot FROM changes
			WHERE txid >= pg_snapshot_xmin(now_seen) AND txid < pg_snapshot_xmax(now_seen);
	ELSE
		SELECT coalesce(string_agg(mark::text, '/' ORDER BY mark), '-') INTO running FROM feed_crash_mark;
		wal := pg_current_wal_insert_lsn() - '0/0';
		snapshot := now_seen;
	END IF;
END
$function$;

-- Returns the changes that were committed since a position, as this transaction's database snapshot sees them.
--	tbl, row_id: this row was inserted, updated or deleted; row_id NULL: read the whole table
--	reason: why the feed cannot tell what changed, for example because since is NULL; read everything
--	tbl and reason NULL, in the only row: nothing changed
--	reached, in each row: the position of this snapshot, for the next call. A reader keeps it with the rows that it
--		read in the same transaction (REPEATABLE READ). Its format is private to the feed.
-- It may return rows that the reader has already seen, but it never misses one.
CREATE OR REPLACE FUNCTION feed_look(since text, OUT tbl text, OUT row_id text, OUT reason text, OUT reached text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	max_rows CONSTANT bigint := 10000;
	was CONSTANT text[] := string_to_array(since, ' ');
	marks record;
	seen pg_snapshot;
	applied bigint[];	-- on a standby: COUNT and ID of feed_marks()
	last bigint := 0;	-- rows up to this id were applied
BEGIN
	SELECT * INTO marks FROM feed_marks();
	reached := concat_ws(' ', 'feed-1', marks.place, marks.triggers, marks.session, marks.running, marks.wal,
		marks.prunes, marks.snapshot);
	IF since IS NULL OR since !~ ('^feed-1( [^ ]+){4} [0-9]{1,18} [0-9]{1,18} '
		'[0-9]{1,19}:[0-9]{1,19}:[0-9,]*([+][0-9]{1,18}/[0-9]{1,18})?$') THEN
		reason := 'no position';
		RETURN NEXT;
		RETURN;
	END IF;
	seen := split_part(was[8], '+', 1);
	applied := string_to_array(split_part(was[8], '+', 2), '/');
	reason := CASE
		WHEN was[2] <> marks.place THEN 'another database'
		WHEN was[3] <> marks.triggers THEN 'triggers changed'
		WHEN was[4] <> marks.session AND (was[5] <> marks.running OR marks.running = '-')
			THEN 'server restarted'
		WHEN was[6]::bigint > marks.wal AND NOT pg_is_in_recovery() THEN 'set back'
		WHEN was[7]::bigint <> marks.prunes
			AND (SELECT pruned_through FROM feed_state) >= pg_snapshot_xmin(seen) THEN 'pruned'
	END;
	IF reason IS NOT NULL THEN
		RETURN NEXT;
		RETURN;
	END IF;
	IF applied[1] = (SELECT count(*) FROM changes WHERE txid >= pg_snapshot_xmin(seen)
		AND txid < pg_snapshot_xmax(pg_current_snapshot()) AND id <= applied[2]) THEN
		last := applied[2];
	END IF;
	-- Ids from this database snapshot's xmax on came with a dump: no visible one belongs to this cluster.
	RETURN QUERY
		WITH news AS (
			SELECT DISTINCT c.tbl, c.row_id FROM changes AS c
			WHERE c.txid >= pg_snapshot_xmin(seen) AND NOT pg_visible_in_snapshot(c.txid, seen)
			AND c.txid < pg_snapshot_xmax(pg_current_snapshot()) AND c.id > last
		), whole AS (
			SELECT n.tbl FROM news AS n GROUP BY n.tbl
			HAVING bool_or(n.row_id IS NULL) OR count(*) > max_rows
		)
		SELECT w.tbl, NULL, NULL, reached FROM whole AS w
		UNION ALL
		SELECT n.tbl, n.row_id, NULL, reached FROM news AS n WHERE n.tbl NOT IN (SELECT w.tbl FROM whole AS w);
	IF NOT FOUND THEN
		RETURN NEXT;
	END IF;
END
$function$;

-- The same in two functions, for earlier versions of Postern.
CREATE OR REPLACE FUNCTION feed_position() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, :"schema", pg_temp AS $function$
	SELECT reached FROM feed_look(NULL)
$function$;

CREATE OR REPLACE FUNCTION feed_since(since text, OUT tbl text, OUT row_id text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 10 SET search_path = pg_catalog, :"schema", pg_temp AS $function$
	SELECT tbl, row_id, reason FROM feed_look(since) WHERE tbl IS NOT NULL OR reason IS NOT NULL
$function$;

-- Returns the timeline that a standby streams and replays; NULL on a primary, and while a standby does not stream. Until
-- the next restartpoint, this is the only way to learn it, and pg_stat_wal_receiver shows it to members of
-- pg_read_all_stats alone. The function tells nothing else.
CREATE OR REPLACE FUNCTION feed_timeline() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
	SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'
$function$;
DO $do$
DECLARE
	owner CONSTANT name := (SELECT proowner::regrole FROM pg_proc WHERE oid = to_regprocedure('feed_timeline()'));
BEGIN
	IF NOT pg_has_role(owner, 'pg_read_all_stats', 'USAGE') THEN
		RAISE WARNING 'on a standby, Postern cannot see the timeline at once: GRANT pg_read_all_stats TO %, '
			'the owner of feed_timeline()', owner;
	END IF;
END
$do$;

REVOKE ALL ON changes, feed_state, feed_crash_mark FROM PUBLIC;
REVOKE ALL ON FUNCTION feed_prune(interval, integer), feed_forget(), feed_record(), feed_ready(),
	feed_marks(), feed_look(text), feed_position(), feed_since(text), feed_timeline() FROM PUBLIC;
COMMIT;
