#include "milter/ledger/ledger_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "t/unit/unit.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const struct limit limits[] = { { 1000, 86400 }, { 20000, 30 * 86400 } };

static char folder[64], path[96];
static struct ledger *ledger;
static struct ledger_file *file;
static struct problems *problems;

static void setup(void)
{
	(void)strcpy(folder, "/tmp/check_ledger_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/limits.state", folder);
	ledger = NULL;
	file = NULL;
	problems = problems_new();
}

static void shut(void)
{
	ledger_file_close(&file);
	ledger_free(&ledger);
}

static void teardown(void)
{
	char name[512];
	struct dirent *entry;
	DIR *dir = opendir(folder);

	shut();
	problems_free(&problems);
	/* cppcheck-suppress readdirCalled ; only its DIR is shared, and this one is not */
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		(void)unlink(name);
	}
	(void)closedir(dir);
	(void)rmdir(folder);
}

static void open_with(const struct ledger_clocks *clocks)
{
	struct errmsg err = { "" };

	shut();
	problems_free(&problems);
	problems = problems_new();
	ledger = ledger_new();
	ck_assert_msg(ledger_file_open(path, ledger, clocks, &file, problems, &err) == 0, "%s",
		err.text);
}

static enum ledger_answer charge(const char *key)
{
	const struct ledger_request request = { key, strlen(key), limits, 2, 1 };
	struct ledger_usage usage;

	return ledger_charge(ledger, ledger_file_now(file), &request, 1, true, &usage);
}

static uint64_t used(const char *key, size_t limit)
{
	const struct ledger_request request = { key, strlen(key), &limits[limit], 1, 1 };
	struct ledger_usage usage;

	ck_assert_int_ne(ledger_look(ledger, ledger_file_now(file), &request, 1, &usage),
		LEDGER_FAILED);
	return usage.used;
}

static const char *journal(unsigned number)
{
	static char name[128];

	(void)snprintf(name, sizeof(name), "%s.%u", path, number);
	return name;
}

static char *slurp(const char *name, size_t *len_r)
{
	struct errmsg err = { "" };
	char *text;

	ck_assert_msg(file_read(name, 1 << 30, &text, len_r, NULL, &err) == FILE_READ, "%s",
		err.text);
	return text;
}

static void spill(const char *name, const char *text, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	(void)close(fd);
}

static void write_checkpoint(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(ledger_file_checkpoint(file, &err) == 0, "%s", err.text);
}

static bool exists(const char *name)
{
	return access(name, F_OK) == 0;
}

/* ---- what outlives the process ------------------------------------------------- */

START_TEST(charges_are_there_again)
	{
		struct stat st;

		open_with(NULL);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(charge("login:al"), LEDGER_FREE);
		for (int round = 0; round < 6; round++) {
			open_with(NULL);
			ck_assert_uint_eq(problems_count(problems), 0);
			ck_assert_uint_eq(used("login:bob", 0), 5 + (uint64_t)round);
			ck_assert_uint_eq(used("login:al", 1), 1);
			if (round % 2 == 1)
				write_checkpoint();
			ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		}
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
END_TEST

START_TEST(nothing_is_lost_by_a_kill)
	{
		pid_t child;
		int status;

		for (int round = 0; round < 3; round++) {
			if ((child = fork()) == 0) {
				struct errmsg err;

				open_with(NULL);
				(void)ledger_file_start(file, &err);
				for (int i = 0; i < 100; i++)
					(void)charge("login:bob");
				(void)kill(getpid(), SIGKILL);
			}
			ck_assert_int_eq(waitpid(child, &status, 0), child);
			ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		}
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 300);
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

START_TEST(what_was_forgotten_stays_so)
	{
		open_with(NULL);
		(void)charge("login:bob");
		ck_assert_int_eq(ledger_forget(ledger, ledger_file_now(file), "login:bob", 9), 1);
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 0);
	}
END_TEST

START_TEST(without_a_path_there_is_time_alone)
	{
		struct errmsg err;

		path[0] = '\0';
		open_with(NULL);
		ck_assert_uint_gt(ledger_file_now(file), 0);
		ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		ck_assert_int_eq(ledger_file_checkpoint(file, &err), -1);
		ck_assert_int_eq(ledger_file_start(file, &err), 0);
	}
END_TEST

START_TEST(a_folder_that_is_not_there_is_named)
	{
		struct errmsg err = { "" };

		ledger = ledger_new();
		(void)snprintf(path, sizeof(path), "%s/none/limits.state", folder);
		ck_assert_int_eq(ledger_file_open(path, ledger, NULL, &file, problems, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/none/limits.state.lock: No such file"));
		ck_assert_ptr_null(file);
	}
END_TEST

/* ---- damage -------------------------------------------------------------------- */

START_TEST(two_daemons_cannot_count_in_one_file)
	{
		struct ledger *other = ledger_new();
		struct ledger_file *other_file = NULL;
		struct errmsg err = { "" };

		open_with(NULL);
		ck_assert_int_eq(ledger_file_open(path, other, NULL, &other_file, problems, &err),
			-1);
		ck_assert_ptr_null(other_file);
		ck_assert_msg(strstr(err.text, "limits.state.lock") != NULL &&
				strstr(err.text, "another") != NULL,
			"%s", err.text);
		ck_assert_int_eq(charge("bob"), LEDGER_FREE);
		ledger_file_close(&file);
		ck_assert_int_eq(ledger_file_open(path, other, NULL, &other_file, problems, &err),
			0);
		ck_assert_uint_eq(ledger_size(other).keys, 1);
		ledger_file_close(&other_file);
		ledger_free(&other);
	}
END_TEST

START_TEST(a_torn_journal_counts_up_to_where_it_is_torn)
	{
		size_t len, first, each;
		char *text;

		open_with(NULL);
		free(slurp(journal(1), &first));
		for (int i = 0; i < 6; i++)
			(void)charge("login:bob");
		text = slurp(journal(1), &len);
		each = (len - first) / 6;
		for (size_t cut = 0; cut <= len; cut += cut < first ? 31 : 7) {
			shut();
			(void)unlink(journal(2));
			spill(journal(1), text, cut);
			open_with(NULL);
			ck_assert_uint_eq(used("login:bob", 0),
				cut < first ? 0 : (cut - first) / each);
			ck_assert(problems_count(problems) ==
				(cut < first ? cut > 0 : (cut - first) % each > 0));
			ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		}
		free(text);
	}
END_TEST

START_TEST(a_damaged_record_costs_itself_alone)
	{
		size_t len, first, each;
		char *text;

		open_with(NULL);
		free(slurp(journal(1), &first));
		for (int i = 0; i < 6; i++)
			(void)charge("login:bob");
		text = slurp(journal(1), &len);
		each = (len - first) / 6;
		for (size_t at = first; at < len; at += 5) {
			shut();
			(void)unlink(journal(2));
			text[at] = (char)(text[at] ^ 0x10);
			spill(journal(1), text, len);
			text[at] = (char)(text[at] ^ 0x10);
			open_with(NULL);
			ck_assert_uint_eq(used("login:bob", 0), 5);
			ck_assert_uint_eq(problems_count(problems), 1);
		}
		/* Zeros at the end, as a file system may leave them, and garbage in the middle. */
		shut();
		(void)unlink(journal(2));
		memset(text + first + 2 * each, 'x', each);
		memset(text + len - each, 0, each);
		spill(journal(1), text, len);
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 4);
		free(text);
	}
END_TEST

START_TEST(a_damaged_checkpoint_is_renamed_and_the_previous_one_used)
	{
		char name[128];
		size_t len;
		char *text;

		open_with(NULL);
		for (int i = 0; i < 10; i++)
			(void)charge("login:bob");
		write_checkpoint();
		(void)charge("login:bob");
		write_checkpoint();
		(void)charge("login:bob");
		shut();
		text = slurp(path, &len);
		if (_i == 0)
			spill(path, text, len - 1);
		else if (_i == 1)
			spill(path, "", 0);
		else if (_i == 2)
			text[len / 2] = (char)(text[len / 2] ^ 1), spill(path, text, len);
		else
			(void)unlink(path); /* a crash between two renames */
		free(text);
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 12);
		(void)snprintf(name, sizeof(name), "%s.bad", path);
		ck_assert(exists(name) == (_i < 3));
		ck_assert_uint_eq(problems_count(problems), _i < 3 ? 2 : 0);
		write_checkpoint();
		(void)charge("login:bob");
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 13);
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

START_TEST(the_readable_part_counts_when_both_checkpoints_are_damaged)
	{
		char name[128];
		size_t len;
		char *text;

		open_with(NULL);
		for (int i = 0; i < 10; i++)
			(void)charge("login:bob");
		write_checkpoint();
		write_checkpoint();
		(void)charge("login:bob");
		shut();
		text = slurp(path, &len);
		spill(path, text, len - 3); /* without its end */
		(void)snprintf(name, sizeof(name), "%s.prev", path);
		spill(name, "rubbish", 7);
		free(text);
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 11);
	}
END_TEST

/* Their times are those of a ledger that began a month ago. */
START_TEST(charges_whose_moment_is_lost_are_not_to_come)
	{
		const struct limit ten = { 10, 86400 };
		const struct ledger_request request = { "login:bob", 9, &ten, 1, 1 };
		const size_t in_the_moment = 60; /* behind the head, a frame of 29 bytes */
		struct ledger_clocks clocks;
		struct ledger_usage usage;
		size_t len;
		char *text;

		open_with(NULL);
		ledger_clocks_read(&clocks);
		clocks.wall += 30 * DAY;
		clocks.boot_id[0] ^= 1;
		open_with(&clocks);
		for (int i = 0; i < 10; i++)
			(void)charge("login:bob");
		write_checkpoint();
		shut();
		text = slurp(path, &len);
		text[in_the_moment] ^= 1;
		spill(path, text, len);
		free(text);
		for (unsigned i = 1; i < 10; i++)
			(void)unlink(journal(i));
		open_with(NULL);
		ck_assert_int_eq(ledger_look(ledger, ledger_file_now(file), &request, 1, &usage),
			LEDGER_FULL);
		ck_assert_uint_eq(usage.used, 10);
		ck_assert_uint_le(usage.wait, (uint64_t)DAY + DAY / 60);
	}
END_TEST

START_TEST(old_journals_go)
	{
		open_with(NULL);
		for (int i = 0; i < 10; i++) {
			(void)charge("login:bob");
			write_checkpoint();
		}
		ck_assert(!exists(journal(8)) && !exists(journal(1)));
		ck_assert(exists(journal(10)) && exists(journal(11)) && !exists(journal(12)));
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), 10);
	}
END_TEST

START_TEST(a_full_disk_refuses_charges_and_ends_with_it)
	{
		struct rlimit limit, full;
		struct errmsg err;

		(void)signal(SIGXFSZ, SIG_IGN);
		(void)getrlimit(RLIMIT_FSIZE, &limit);
		open_with(NULL);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		full = (struct rlimit){ 600, limit.rlim_max }; /* in the middle of a record */
		(void)setrlimit(RLIMIT_FSIZE, &full);
		while (charge("login:bob") == LEDGER_FREE)
			;
		ledger_file_error(file, &err);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		ck_assert_int_eq(charge("login:bob"), LEDGER_FAILED);
		full.rlim_cur = 100;
		(void)setrlimit(RLIMIT_FSIZE, &full);
		ck_assert_int_eq(ledger_file_checkpoint(file, &err), -1);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		uint64_t before = used("login:bob", 0);

		ck_assert_int_eq(charge("login:bob"), LEDGER_FREE);
		ledger_file_error(file, &err);
		ck_assert_str_eq(err.text, "");
		write_checkpoint();
		open_with(NULL);
		ck_assert_uint_eq(used("login:bob", 0), before + 1);
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

/* ---- time ------------------------------------------------------------------------- */

/*
 * Ten charges; then what the clocks show at the next start, against those of the first: since the
 * machine's start, on the wall, and whether it is another start. How many still count in a day and
 * in thirty.
 */
static const struct {
	int64_t boottime, wall;
	bool rebooted;
	uint64_t day, month;
} jumps[] = {
	{ HOUR, HOUR, false, 10, 10 },
	{ 25 * HOUR, 25 * HOUR, false, 0, 10 },
	{ HOUR, 400 * DAY, false, 10, 10 },	 /* the wall clock set forward: nothing is freed */
	{ 25 * HOUR, -400 * DAY, false, 0, 10 }, /* and back: nothing is locked */
	{ -HOUR, HOUR, true, 10, 10 },
	{ 0, 25 * HOUR, true, 0, 10 },
	{ 0, -400 * DAY, true, 10,
		10 }, /* a wrong clock at the start: locked as if no time had gone by */
	{ 0, 400 * DAY, true, 0, 0 },
	{ 100 * DAY, 0, true, 10, 10 },
};
START_TEST(time_goes_on_by_the_machine_and_over_its_start_by_the_wall_clock)
	{
		struct ledger_clocks clocks;

		open_with(NULL);
		for (int i = 0; i < 10; i++)
			(void)charge("login:bob");
		if (_i % 2 == 0)
			write_checkpoint();
		ledger_clocks_read(&clocks);
		ck_assert_str_ne(clocks.boot_id, "");
		/* As if the clocks showed that now: the file's time goes on from there. */
		clocks.boottime = (uint64_t)((int64_t)clocks.boottime + jumps[_i].boottime);
		if (jumps[_i].boottime < 0)
			clocks.boottime = 5;
		clocks.wall += jumps[_i].wall;
		if (jumps[_i].rebooted)
			clocks.boot_id[0] ^= 1;
		open_with(&clocks);
		/* offset is from these clocks, but time is asked of the machine's: so correct for
		 * it. */
		const struct ledger_request request = { "login:bob", 9, limits, 1, 1 };
		const struct ledger_request month = { "login:bob", 9, &limits[1], 1, 1 };
		struct ledger_usage usage;
		struct ledger_clocks real;

		ledger_clocks_read(&real);
		uint64_t now = ledger_file_now(file) - real.boottime + clocks.boottime;

		(void)ledger_look(ledger, now, &request, 1, &usage);
		ck_assert_uint_eq(usage.used, jumps[_i].day);
		(void)ledger_look(ledger, now, &month, 1, &usage);
		ck_assert_uint_eq(usage.used, jumps[_i].month);
	}
END_TEST

/* ---- threads ---------------------------------------------------------------------- */

static void *charge_many(void *argument)
{
	char key[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "login:%u", i % 13);
		(void)charge(i % 2 ? (const char *)argument : key);
	}
	return NULL;
}

START_TEST(checkpoints_lose_no_charge_of_other_threads)
	{
		static char names[4][16];
		pthread_t threads[4];
		struct errmsg err;
		char key[32];

		open_with(NULL);
		for (unsigned i = 0; i < 4; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "own:%u", i);
			ck_assert_int_eq(pthread_create(&threads[i], NULL, charge_many, names[i]),
				0);
		}
		for (int i = 0; i < 20; i++)
			ck_assert_int_eq(ledger_file_checkpoint(file, &err), 0);
		for (unsigned i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
		open_with(NULL);
		ck_assert_uint_eq(problems_count(problems), 0);
		for (unsigned i = 0; i < 4; i++)
			ck_assert_uint_eq(used(names[i], 0), 500);
		uint64_t all = 0;

		for (unsigned i = 0; i < 13; i++) {
			(void)snprintf(key, sizeof(key), "login:%u", i);
			all += used(key, 0);
		}
		ck_assert_uint_eq(all, 2000);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("ledger_file");
	TCase *tcase = tcase_create("ledger_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, charges_are_there_again);
	tcase_add_test(tcase, nothing_is_lost_by_a_kill);
	tcase_add_test(tcase, what_was_forgotten_stays_so);
	tcase_add_test(tcase, without_a_path_there_is_time_alone);
	tcase_add_test(tcase, a_folder_that_is_not_there_is_named);
	tcase_add_test(tcase, two_daemons_cannot_count_in_one_file);
	tcase_add_test(tcase, a_torn_journal_counts_up_to_where_it_is_torn);
	tcase_add_test(tcase, a_damaged_record_costs_itself_alone);
	tcase_add_loop_test(tcase, a_damaged_checkpoint_is_renamed_and_the_previous_one_used, 0, 4);
	tcase_add_test(tcase, the_readable_part_counts_when_both_checkpoints_are_damaged);
	tcase_add_test(tcase, charges_whose_moment_is_lost_are_not_to_come);
	tcase_add_test(tcase, old_journals_go);
	tcase_add_test(tcase, a_full_disk_refuses_charges_and_ends_with_it);
	tcase_add_loop_test(tcase, time_goes_on_by_the_machine_and_over_its_start_by_the_wall_clock,
		0, (int)(sizeof(jumps) / sizeof(jumps[0])));
	tcase_add_test(tcase, checkpoints_lose_no_charge_of_other_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
