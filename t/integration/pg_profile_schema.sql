-- What a site has that ran Haraka with pg-profile: tables and triggers of the names, types and payloads
-- which that plugin's documentation describes, without anything of Postern's. Here for tests.
CREATE SCHEMA haraka;
SET search_path = haraka;

CREATE SEQUENCE profiles_id_seq;
CREATE SEQUENCE users_id_seq;
CREATE TABLE profiles (
	id integer NOT NULL DEFAULT nextval('profiles_id_seq'),
	name varchar(255),
	"desc" varchar(255),
	open boolean NOT NULL DEFAULT false,
	limits text,
	maxsize integer NOT NULL DEFAULT 0,
	host text,
	rcpt text,
	rcpt_re text,
	"createdAt" timestamptz DEFAULT now(),
	"updatedAt" timestamptz DEFAULT now()
);
CREATE TABLE users (
	id integer NOT NULL DEFAULT nextval('users_id_seq'),
	username varchar(128) NOT NULL,
	password varchar(255) NOT NULL,
	froms text,
	"createdAt" timestamptz DEFAULT now(),
	"updatedAt" timestamptz DEFAULT now(),
	"profileId" integer
);

-- One notification for each row: users-UPDATE, profiles-DELETE, ...
CREATE FUNCTION notify_haraka() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('haraka', format('%s-%s', TG_TABLE_NAME, TG_OP));
	RETURN NULL;
END
$$;
CREATE TRIGGER notify_haraka AFTER INSERT OR UPDATE OR DELETE ON profiles
	FOR EACH ROW EXECUTE FUNCTION notify_haraka();
CREATE TRIGGER notify_haraka AFTER INSERT OR UPDATE OR DELETE ON users
	FOR EACH ROW EXECUTE FUNCTION notify_haraka();

INSERT INTO profiles (name, open, limits, maxsize, host, rcpt, rcpt_re) VALUES
	('internal', false, '1/5m,500/1d', 10000000, 'example.com,example.org', 'one@partner.example', NULL),
	('open', true, NULL, 0, NULL, NULL, NULL);
INSERT INTO users (username, password, froms, "profileId") VALUES
	('alice', '$6$aRnmoiVsngcOi2k7$ZJ4q5youGOlBxn5JLHFiDGEVMuY3WXXofT6IrSF5Ify4Bn2XzZCDeU1wSVkWuvphlRDPtpCgSpZTMz7VQ71R01',
		'alice@example.com', 1),
	('bob', '$6$ZFDC6wFU.zOweWFy$1Qwkyf8TOsm64k7AmHN6K0hBEj65uHxHderyvImuVSYf5BUtGF6jUS9YfYY3wnfhEZHzEkoHku.k7oB/LCPcd.',
		NULL, 2);
