-- Sample profiles and users for a test server. Their passwords are public, and bob@example.org may write to anybody:
-- never load them into a database that a server in use reads. Therefore the file does nothing without public_passwords=yes.
--
--     psql -d mail -v public_passwords=yes -f sql/sample.sql      (after schema.sql; -v schema=... as there)
--
-- Existing rows of the same names stay unchanged.
--
--	login                   password        hash    profile
--	alice                   alice-secret    $6$     internal: example.com, example.org, one partner
--	bob@example.org         bob-secret      $6$     open: anyone, up to 25 MiB
--	carol                   carol-secret    $y$     lists: recipients that match the regexes
--	dave                    dave-secret     $6$     internal; the user is disabled
--	token:ADDRESS           a JWT           -       token

\set ON_ERROR_STOP 1
\if :{?schema}
\else
	\set schema haraka
\endif
\if :{?public_passwords}
\else
	\set public_passwords no
\endif
SET client_min_messages = warning;

SELECT $$DO 'BEGIN RAISE ''the passwords of the sample users are public: add -v public_passwords=yes if this database is for tests only''; END'$$
WHERE :'public_passwords' <> 'yes'
\gexec
BEGIN;
SET LOCAL search_path = :"schema";

INSERT INTO profiles (name, "desc", open, limits, maxsize, host, rcpt, rcpt_re) VALUES
	('internal', 'Own domains and a partner', false, '1/5s,500/1d', 10485760,
		'example.com,example.org', 'orders@partner.example', NULL),
	('open', 'Anyone', true, '100/1h,1000/1d', 26214400, NULL, NULL, NULL),
	('lists', 'Mailing lists', false, '20/1m', 0, NULL, NULL,
		'^[a-z]{2,8}-list@example\.net$,@lists\.example\.(com|org)$'),
	('token', 'Logins by JWT', false, '50/1d', 1048576, 'example.com', NULL, NULL)
ON CONFLICT DO NOTHING;

INSERT INTO users (username, password, froms, "profileId", enabled)
SELECT username, password, froms, profiles.id, enabled
FROM (VALUES
	('alice', '$6$aRnmoiVsngcOi2k7$ZJ4q5youGOlBxn5JLHFiDGEVMuY3WXXofT6IrSF5Ify4Bn2XzZCDeU1wSVkWuvphlRDPtpCgSpZTMz7VQ71R01',
		'alice@example.com,sales@example.com', 'internal', true),
	('bob@example.org', '$6$ZFDC6wFU.zOweWFy$1Qwkyf8TOsm64k7AmHN6K0hBEj65uHxHderyvImuVSYf5BUtGF6jUS9YfYY3wnfhEZHzEkoHku.k7oB/LCPcd.',
		NULL, 'open', true),
	('carol', '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$geymh9kzI9AjNHdu.eJvuCN0JdoFUzBEy0BMKMM1uQ9',
		'carol@example.com,@lists.example.com', 'lists', true),
	('dave', '$6$kT0hUq2xWv7RrVJe$DGNmQ6fu8oK/m1Fvb.TveYwWnWsmI2xbAbSXZ9NXcdKEsQGoyiEM2g.o6Kyu5MOFt6iaHINQOR2Yq7.K/Igqj0',
		'dave@example.com', 'internal', false)
) AS sample (username, password, froms, profile, enabled)
JOIN profiles ON profiles.name = sample.profile
ON CONFLICT DO NOTHING;
COMMIT;
