/*
 * Shows which hosts of a connection string are left to try after one has answered. No server runs,
 * so that libpq stays at the last host, as if that had answered.
 */
#include "milter/pg/pg_hosts.h"
#include "t/unit/unit.h"

#define NOWHERE "/nonexistent" /* a folder of a server's socket */

static const struct {
	const char *conninfo;
	const char *host, *hostaddr, *port; /* NULL: no host is left */
} rows[] = {
	{ "host=" NOWHERE, NULL, NULL, NULL },
	{ "host=" NOWHERE "/a," NOWHERE "/b", NOWHERE "/a", "", "5432" },
	{ "host=" NOWHERE "/a," NOWHERE "/b port=1,2", NOWHERE "/a", "", "1" },
	{ "host=" NOWHERE "/a," NOWHERE "/b port=7", NOWHERE "/a", "", "7" },
	{ "host=" NOWHERE "/a," NOWHERE "/b port=,2", NOWHERE "/a", "", "5432" },
	{ "host=" NOWHERE "/a," NOWHERE "/b," NOWHERE "/c port=1,,3", NOWHERE "/a," NOWHERE "/b",
		"", "1,5432" },
	{ "postgresql://%2Fnonexistent%2Fa:1,%2Fnonexistent%2Fb:2/mail?target_session_attrs=any",
		NOWHERE "/a", "", "1" },
	/* the same host twice is one host, with another port another one */
	{ "host=" NOWHERE "/a," NOWHERE "/b," NOWHERE "/b port=1,2,2", NOWHERE "/a", "", "1" },
	{ "host=" NOWHERE "/a," NOWHERE "/a port=1,2", NOWHERE "/a", "", "1" },
	/* libpq cannot be given its default host alone */
	{ "host=," NOWHERE "/b", NULL, NULL, NULL },
	{ "hostaddr=127.0.0.1,127.0.0.2 port=1", "", "127.0.0.1", "1" },
	{ "host=a.example,b.example hostaddr=127.0.0.1,127.0.0.2 port=1,1", "a.example",
		"127.0.0.1", "1" },
	{ "host=,b.example hostaddr=127.0.0.1,127.0.0.2 port=1", "127.0.0.1", "127.0.0.1", "1" },
};
START_TEST(the_other_hosts_are_left)
	{
		PGconn *conn = PQconnectdb(rows[_i].conninfo);
		struct pg_hosts *rest = pg_hosts_besides(conn);

		ck_assert_int_eq(PQstatus(conn), CONNECTION_BAD);
		if (rows[_i].host == NULL) {
			ck_assert_ptr_null(rest);
		} else {
			ck_assert_ptr_nonnull(rest);
			ck_assert_str_eq(rest->host, rows[_i].host);
			ck_assert_str_eq(rest->hostaddr, rows[_i].hostaddr);
			ck_assert_str_eq(rest->port, rows[_i].port);
		}
		pg_hosts_free(&rest);
		PQfinish(conn);
	}
END_TEST

static Suite *pg_hosts_suite(void)
{
	Suite *suite = suite_create("pg_hosts");
	TCase *tcase = tcase_create("pg_hosts");

	tcase_add_loop_test(tcase, the_other_hosts_are_left, 0, sizeof(rows) / sizeof(*rows));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(pg_hosts_suite)
