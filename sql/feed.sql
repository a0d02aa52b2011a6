-- The change feed: which rows of users and profiles changed, so that Postern reads those and no others.
--
--     psql -d mail -v ON_ERROR_STOP=1 -f sql/feed.sql
--     psql -d mail -v ON_ERROR_STOP=1 -v schema=postern -v channel=postern -f sql/feed.sql
--
-- Defaults: schema haraka, channel haraka. An empty channel (-v channel=) sends no NOTIFY: readers then poll
-- alone, and PREPARE TRANSACTION works on the tables. Run it again for another channel, after a restore from
-- a dump, after an upgrade of Postern; role.sql comes after it. It needs schema.sql's tables or those of
-- pg-profile: tables users and profiles with a column id.
--
-- How it works. A trigger on each statement appends to `changes` what it touched, with the id of its
-- transaction. A reader that holds the tables as some snapshot saw them asks for the rows whose transaction
-- that snapshot did not see as committed. Order does not come into it, so a transaction that began early and
-- commits late is found like any other; NOTIFY only saves waiting for the next poll.
--
-- Not recorded: what logical replication applies (statement triggers don't fire there; don't publish
-- `changes` and feed_*, and install the feed on the subscriber only for what is written there), and what is
-- written while the triggers are disabled (readers notice that they were, and load everything).

\set ON_ERROR_STOP 1
\if :{?schema}
\else
	\set schema haraka
\endif
\if :{?channel}
\else
	\set channel haraka
\endif
-- A statement that touches more rows than this is recorded as "the whole table".
\if :{?max_rows}
\else
	\set max_rows 10000
\endif
SET client_min_messages = warning;

BEGIN;
SET LOCAL search_path = :"schema";

CREATE TABLE IF NOT EXISTS :"schema".changes (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	tbl text NOT NULL,
	row_id text,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS changes_txid ON changes (txid);
COMMENT ON TABLE changes IS 'Postern''s change feed: rows that were inserted, updated or deleted; pruned after a day';
COMMENT ON COLUMN changes.txid IS 'The (top-level) transaction that did it';
COMMENT ON COLUMN changes.row_id IS 'The row''s id as text; NULL: the whole table';

CREATE TABLE IF NOT EXISTS feed_state (
	one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
	feed_id uuid NOT NULL DEFAULT gen_random_uuid(),
	prunes bigint NOT NULL DEFAULT 0,
	pruned_through xid8 NOT NULL DEFAULT '0'
);
INSERT INTO feed_state DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE feed_state IS 'How far back the change feed reaches';
COMMENT ON COLUMN feed_state.prunes IS 'How many times rows were taken out of changes';
COMMENT ON COLUMN feed_state.pruned_through IS 'The highest transaction id taken out';

-- Unlogged, so that PostgreSQL itself empties it when it recovers from a crash or a standby is promoted.
-- After that, transaction ids which readers saw may be given out a second time; a mark that is still
-- there proves that this has not happened since.
CREATE UNLOGGED TABLE IF NOT EXISTS feed_crash_mark (
	mark uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
INSERT INTO feed_crash_mark SELECT WHERE NOT EXISTS (SELECT FROM feed_crash_mark);
COMMENT ON TABLE feed_crash_mark IS 'Has a row while the server has not crashed since that row was written';

-- A dump brings rows along whose transaction ids are another cluster's.
DELETE FROM changes WHERE txid >= pg_snapshot_xmax(pg_current_snapshot());

-- Takes rows older than `keep` out of the feed, at most `at_most` of them; returns how many. Called now and
-- then by the triggers. Never waits: another one at work makes it return 0.
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

-- On `changes`: notes what is taken out, by whomever, so that a reader who needed it knows.
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
	-- Ids from `here` on are no ids of this cluster, see above.
	SELECT txid INTO last FROM gone WHERE txid < here ORDER BY txid DESC LIMIT 1;
	IF last IS NOT NULL THEN
		UPDATE feed_state SET prunes = prunes + 1, pruned_through =
			CASE WHEN pruned_through < here THEN greatest(pruned_through, last) ELSE last END;
	END IF;
	RETURN NULL;
END
$function$;

-- On users and profiles, after each statement. Arguments: channel, the most rows to record one by one.
CREATE OR REPLACE FUNCTION feed_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	channel CONSTANT text := TG_ARGV[0];
	max_rows CONSTANT bigint := TG_ARGV[1];
	ids text[];
BEGIN
	IF TG_OP = 'INSERT' THEN
		ids := ARRAY(SELECT id::text FROM new_rows LIMIT max_rows + 1);
	ELSIF TG_OP = 'TRUNCATE' THEN
		ids := ARRAY[NULL];
	ELSE
		ids := ARRAY(SELECT id::text FROM old_rows LIMIT max_rows + 1);
		IF TG_OP = 'UPDATE' AND cardinality(ids) <= max_rows THEN	-- both ids, should one have changed
			ids := ARRAY(SELECT id::text FROM old_rows UNION SELECT id::text FROM new_rows);
		END IF;
	END IF;
	IF cardinality(ids) = 0 THEN
		RETURN NULL;
	END IF;
	IF cardinality(ids) > max_rows THEN
		ids := ARRAY[NULL];
	END IF;
	INSERT INTO changes (tbl, row_id) SELECT TG_TABLE_NAME, row_id FROM unnest(ids) AS row_id;
	IF channel <> '' THEN
		PERFORM pg_notify(channel, 'postern');
	END IF;
	IF NOT EXISTS (SELECT FROM feed_crash_mark) THEN
		INSERT INTO feed_crash_mark DEFAULT VALUES;
	END IF;
	-- Some hours late, so that it happens now and then and not in each statement. Not above READ
	-- COMMITTED, where it could make somebody's transaction fail.
	IF current_setting('transaction_isolation') = 'read committed'
	AND (SELECT at FROM changes ORDER BY id LIMIT 1) < clock_timestamp() - interval '27 hours' THEN
		PERFORM feed_prune();
	END IF;
	RETURN NULL;
END
$function$;

-- ENABLE ALWAYS: also under session_replication_role = replica. One trigger an event, for transition tables.
SELECT format('DROP TRIGGER IF EXISTS %I ON %I', trigger_name, tbl),
	format('CREATE TRIGGER %I AFTER %s ON %I %s FOR EACH STATEMENT EXECUTE FUNCTION %s',
		trigger_name, event, tbl, transition, call),
	format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', tbl, trigger_name)
FROM (
	SELECT tbl, event, 'postern_feed_' || lower(event) AS trigger_name, transition,
		format('feed_record(%L, %L)', :'channel', :'max_rows') AS call
	FROM unnest(ARRAY['profiles', 'users']) AS tbl, (VALUES
		('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
		('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
		('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
		('TRUNCATE', '')) AS events (event, transition)
	UNION ALL
	SELECT 'changes', event, 'postern_forget_' || lower(event), transition, 'feed_forget()'
	FROM (VALUES
		('DELETE', 'REFERENCING OLD TABLE AS gone'),
		('TRUNCATE', '')) AS events (event, transition)
) AS wanted
\gexec

-- true: the feed records every change of both tables from now on.
CREATE OR REPLACE FUNCTION feed_ready() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, :"schema", pg_temp AS $function$
	SELECT count(*) = 8 FROM pg_trigger
	WHERE tgrelid IN (to_regclass('users'), to_regclass('profiles'))
	AND tgfoid = to_regproc('feed_record') AND tgenabled IN ('A', 'O')
$function$;

-- What a reader's position is made of; nothing else calls this.
--	place: which cluster, database, tables and feed
--	triggers: differs once a trigger was dropped, made, disabled or enabled
--	session: while it is the same, the server that answers has run on
--	running: the same for sessions of a server that has run on since, or was stopped cleanly; '-': not known
--	wal: no commit that this snapshot sees lies beyond
--	snapshot: what was committed. A standby does not list running transactions in
--		pg_current_snapshot(), so there all from the oldest one on count as not seen.
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
		snapshot := format('%1$s:%1$s:', pg_snapshot_xmin(now_seen));
	ELSE
		SELECT coalesce(string_agg(mark::text, '/' ORDER BY mark), '-') INTO running FROM feed_crash_mark;
		wal := pg_current_wal_insert_lsn() - '0/0';
		snapshot := now_seen;
	END IF;
END
$function$;

-- Where the reader's snapshot stands: to be kept with what was read in the same transaction (REPEATABLE
-- READ), and handed to feed_since() later. Its form is nobody's business.
CREATE OR REPLACE FUNCTION feed_position() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, :"schema", pg_temp AS $function$
	SELECT concat_ws(' ', 'feed-1', place, triggers, session, running, wal, prunes, snapshot)
	FROM feed_marks()
$function$;

-- What was committed since that position, seen from this transaction's snapshot.
--	no rows: nothing
--	tbl, row_id: that row was inserted, updated or deleted; row_id NULL: read that whole table
--	tbl NULL: the feed can't tell; read everything. reason says why
-- It may name rows that the reader has seen already, never miss one.
CREATE OR REPLACE FUNCTION feed_since(since text, OUT tbl text, OUT row_id text, OUT reason text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, :"schema", pg_temp AS $function$
DECLARE
	max_rows CONSTANT bigint := 10000;
	was CONSTANT text[] := string_to_array(since, ' ');
	marks record;
	seen pg_snapshot;
BEGIN
	IF since IS NULL OR since !~
		'^feed-1( [^ ]+){4} [0-9]{1,18} [0-9]{1,18} [0-9]{1,19}:[0-9]{1,19}:[0-9,]*$' THEN
		reason := 'no position';
		RETURN NEXT;
		RETURN;
	END IF;
	SELECT * INTO marks FROM feed_marks();
	seen := was[8];
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
	-- Ids from this snapshot's xmax on came with a dump; none that is visible is this cluster's.
	RETURN QUERY
		WITH news AS (
			SELECT DISTINCT c.tbl, c.row_id FROM changes AS c
			WHERE c.txid >= pg_snapshot_xmin(seen) AND NOT pg_visible_in_snapshot(c.txid, seen)
			AND c.txid < pg_snapshot_xmax(pg_current_snapshot())
		), whole AS (
			SELECT n.tbl FROM news AS n GROUP BY n.tbl
			HAVING bool_or(n.row_id IS NULL) OR count(*) > max_rows
		)
		SELECT w.tbl, NULL, NULL FROM whole AS w
		UNION ALL
		SELECT n.tbl, n.row_id, NULL FROM news AS n WHERE n.tbl NOT IN (SELECT w.tbl FROM whole AS w);
END
$function$;

REVOKE ALL ON changes, feed_state, feed_crash_mark FROM PUBLIC;
REVOKE ALL ON FUNCTION feed_prune(interval, integer), feed_forget(), feed_record(), feed_ready(),
	feed_marks(), feed_position(), feed_since(text) FROM PUBLIC;
COMMIT;
