/*
 * Shows which sockets of a configuration are reported because strangers can connect to them, and
 * that a note gives the key and its line.
 */
#include "lib/conf/config_access.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	const char *notes[3]; /* parts of the notes, in their order */
} files[] = {
	{ "", { NULL } },
	{ "[milter]\nsocket = unix:/run/m\nsocket_mode = 0660\n", { NULL } },
	{ "[milter]\nsocket = inet:8894@127.0.0.1\n",
		{ "/etc/p.conf:2: [milter] socket: every process of this machine" } },
	{ "[milter]\nsocket = inet6:8894@::1\n", { "[milter] socket: every process" } },
	{ "[milter]\nsocket = inet:8894@0.0.0.0\nallow_remote = yes\n",
		{ "/etc/p.conf:3: [milter] allow_remote: every machine" } },
	{ "[milter]\nsocket = unix:/run/m\nallow_remote = yes\n", { NULL } },
	{ "[milter]\nsocket_mode = 0666\n", { "/etc/p.conf:2: [milter] socket_mode: every user" } },
	{ "[milter]\nsocket_mode = 0662\n", { "[milter] socket_mode" } },
	{ "[milter]\nsocket_mode = 0664\n", { NULL } }, /* connecting needs the bit for writing */
	{ "[milter]\nsocket = inet:8894@127.0.0.1\nsocket_mode = 0666\n", { "[milter] socket:" } },
	{ "[auth]\ninet_socket = inet:8895@127.0.0.1\n",
		{ "/etc/p.conf:2: [auth] inet_socket: every process of this machine" } },
	{ "[auth]\ninet_socket = unix:/run/other\n", { NULL } },
	{ "[auth]\nsocket =\nsaslauthd =\ninet_socket = unix:/run/other\nsocket_mode = 0666\n",
		{ "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket = inet:8895@127.0.0.1\ninet_socket = inet:8896@127.0.0.1\n",
		{ "[auth] socket: every process", "[auth] inet_socket: every process" } },
	{ "[auth]\nsocket_mode = 0666\n", { "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket =\nsocket_mode = 0666\n", { "[auth] socket_mode: every user" } },
	{ "[auth]\nsocket = none\nsaslauthd =\nsocket_mode = 0666\n", { NULL } },
	{ "[control]\nsocket_mode = 0666\n",
		{ "/etc/p.conf:2: [control] socket_mode: it has bits for others" } },
	{ "[control]\nsocket_mode = 0604\n", { "[control] socket_mode" } },
	{ "[control]\nsocket_mode = 0601\n", { "[control] socket_mode" } },
	{ "[control]\nsocket_mode = 0660\n", { NULL } },
	{ "[control]\nsocket =\nsocket_mode = 0666\n", { NULL } },
	{ "[milter]\nsocket_mode = 0666\n[auth]\nsocket_mode = 0666\n[control]\nsocket_mode = 0666\n",
		{ "[milter]", "[auth]", "[control]" } },
};
START_TEST(sockets_for_strangers_are_pointed_out)
	{
		const struct config *config;
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		size_t count = 0;

		ck_assert_msg(config_parse("/etc/p.conf", files[_i].text, strlen(files[_i].text),
				      &config, &err) == 0,
			"%s", err.text);
		config_note_access(config, problems);
		while (count < 3 && files[_i].notes[count] != NULL)
			count++;
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), count);
		for (size_t i = 0; i < count; i++)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, i),
				files[_i].notes[i]));
		ck_assert_uint_eq(problems_count(problems), 0);
		/* The configuration reports them by itself, too. */
		ck_assert_uint_eq(problems_level_kept(config->warnings, PROBLEM_NOTE), count);
		problems_free(&problems);
		config_unref(&config);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("config_access");
	TCase *tcase = tcase_create("config_access");

	tcase_add_loop_test(tcase, sockets_for_strangers_are_pointed_out, 0,
		(int)(sizeof(files) / sizeof(files[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
