/*
 * The commands that doctor prints for a key of postern.conf set it, however the file is written,
 * and leave the rest as it is.
 */
#include "ctl/doctor/doctor_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static char folder[64];
static char path[128], link_path[128];

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_doctor_commands.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/it's [1].conf", folder);
	(void)snprintf(link_path, sizeof(link_path), "%s/link.conf", folder);
	ck_assert_int_eq(symlink(path, link_path), 0);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)unlink(link_path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void write_text(const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* Run the commands of the only finding. */
static void paste(const struct doctor *doctor, size_t count)
{
	json_t *report = doctor_report_json(doctor->report), *commands, *command;
	size_t i;

	ck_assert_ptr_nonnull(report);
	commands =
		json_object_get(json_array_get(json_object_get(report, "findings"), 0), "commands");
	ck_assert_uint_eq(json_array_size(commands), count);
	json_array_foreach (commands, i, command) {
		const char *line = json_string_value(json_object_get(command, "shell"));

		ck_assert_int_eq(system(line), 0); /* NOLINT(cert-env33-c): as a person pastes it */
	}
	json_decref(report);
}

/* Examine the file with that text. */
static struct doctor examine(const char *text)
{
	static const struct ctl ctl = { .config_path = link_path };
	struct doctor doctor = { .ctl = &ctl, .report = doctor_report_new() };
	struct errmsg err;

	write_text(text);
	ck_assert_msg(config_load(link_path, &doctor.config, &err) == 0, "%s", err.text);
	return doctor;
}

/* Compare the file, to which the link still leads. */
static void check_file(struct doctor *doctor, const char *want)
{
	struct errmsg err;
	struct stat st;
	char *text;
	size_t len;

	ck_assert_int_eq(file_read(path, 10000, &text, &len, NULL, &err), FILE_READ);
	ck_assert_str_eq(text, want);
	free(text);
	ck_assert(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	config_unref(&doctor->config);
	doctor_report_free(&doctor->report);
}

static const struct {
	const char *text, *want;
} files[] = {
	{ "", "\n[milter]\nsocket = unix:/a\\b&|%n/c\n" },
	{ "[log]\nlevel = debug\n",
		"[log]\nlevel = debug\n\n[milter]\nsocket = unix:/a\\b&|%n/c\n" },
	{ "[log]\nlevel = debug", "[log]\nlevel = debug\n[milter]\nsocket = unix:/a\\b&|%n/c\n" },
	{ "[milter]", "[milter]\nsocket = unix:/a\\b&|%n/c\n" },
	{ "# [milter]\n[log]\n\t[ milter ] ; x\nuser = root\n",
		"# [milter]\n[log]\n\t[ milter ] ; x\nsocket = unix:/a\\b&|%n/c\nuser = root\n" },
	{ "[milter]\r\nsocket = inet:1@::1\r\nuser = root\r\n",
		"[milter]\r\nsocket = unix:/a\\b&|%n/c\nuser = root\r\n" },
	{ "[milter]\nuser = root\n socket=inet:1@::1",
		"[milter]\nuser = root\nsocket = unix:/a\\b&|%n/c" },
};
START_TEST(a_key_is_set)
	{
		struct doctor doctor = examine(files[_i].text);

		doctor_set_key(doctor_find(&doctor, DOCTOR_MAIL, "wrong"), &doctor, "milter",
			"socket", "unix:/a\\b&|%n/c");
		paste(&doctor, 1);
		check_file(&doctor, files[_i].want);
	}
END_TEST

START_TEST(a_new_line_does_not_lead_the_next_command_astray)
	{
		struct doctor doctor = examine("[milter]\nuser = root\n[auth]\nsocket = unix:/x\n");
		struct doctor_finding *finding = doctor_find(&doctor, DOCTOR_MAIL, "wrong");

		doctor_set_key(finding, &doctor, "milter", "socket", "unix:/a");
		doctor_set_key(finding, &doctor, "auth", "socket", "unix:/b");
		paste(&doctor, 2);
		check_file(&doctor,
			"[milter]\nsocket = unix:/a\nuser = root\n[auth]\nsocket = unix:/b\n");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("doctor_commands");
	TCase *tcase = tcase_create("doctor_commands");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_key_is_set, 0, COUNT(files));
	tcase_add_test(tcase, a_new_line_does_not_lead_the_next_command_astray);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
