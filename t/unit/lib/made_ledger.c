/*
 * A ledger with its files in a temporary directory, for the tests of milter/ledger. Owns both; the
 * test's main thread opens and closes them.
 */
#include "t/unit/lib/made_ledger.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/file.h"

char made_path[96];
struct ledger *made_ledger;
struct ledger_file *made_file;
struct problems *made_problems;
const struct limit made_limits[2] = { { 1000, 86400 }, { 20000, 30 * 86400 } };

static char directory[64];

void made_ledger_setup(void)
{
	(void)strcpy(directory, "/tmp/postern-ledger-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(made_path, sizeof(made_path), "%s/limits.state", directory);
	made_ledger = NULL;
	made_file = NULL;
	made_problems = problems_new();
}

void made_ledger_close(void)
{
	ledger_file_close(&made_file);
	ledger_free(&made_ledger);
}

void made_remove_all(const char *folder)
{
	char name[512];
	struct dirent *entry;
	DIR *dir = opendir(folder);

	/* cppcheck-suppress readdirCalled ; only its DIR is shared, and this one is not */
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		(void)unlink(name);
	}
	(void)closedir(dir);
	(void)rmdir(folder);
}

void made_ledger_teardown(void)
{
	made_ledger_close();
	problems_free(&made_problems);
	made_remove_all(directory);
}

void made_ledger_open(const struct ledger_clocks *clocks)
{
	made_ledger_close();
	problems_free(&made_problems);
	made_problems = problems_new();
	made_ledger = ledger_new();
	ck_assert_int_eq(ledger_file_open(made_path, made_ledger, clocks, &made_file,
				 made_problems),
		0);
}

enum ledger_answer made_ledger_charge(const char *key)
{
	const struct ledger_request request = { key, strlen(key), made_limits, 2, 1, 0,
		{ 0, { 0 } } };
	struct ledger_usage usage;

	return ledger_charge(made_ledger, ledger_file_now(made_file), &request, 1, true, &usage);
}

enum ledger_answer made_ledger_reserve(struct ledger_hold **hold, const char *key)
{
	const struct ledger_request request = { key, strlen(key), made_limits, 2, 1, 10,
		{ 0, { 0 } } };
	struct ledger_usage usage;

	return ledger_reserve(made_ledger, ledger_file_now(made_file), hold, &request, 1, true,
		&usage);
}

uint64_t made_ledger_used(const char *key, size_t limit)
{
	const struct ledger_request request = { key, strlen(key), &made_limits[limit], 1, 1, 0,
		{ 0, { 0 } } };
	struct ledger_usage usage;

	ck_assert_int_ne(ledger_look(made_ledger, ledger_file_now(made_file), &request, 1, &usage),
		LEDGER_FAILED);
	return usage.used;
}

void made_ledger_checkpoint(void)
{
	struct errmsg err = { "" };

	ck_assert_msg(ledger_file_checkpoint(made_file, &err) == 0, "%s", err.text);
}

const char *made_journal(unsigned number)
{
	static char name[128];

	(void)snprintf(name, sizeof(name), "%s.%u", made_path, number);
	return name;
}

bool made_exists(const char *name)
{
	return access(name, F_OK) == 0;
}

char *made_read(const char *name, size_t *len_r)
{
	struct errmsg err = { "" };
	char *text;

	ck_assert_msg(file_read(name, 1 << 30, &text, len_r, NULL, &err) == FILE_READ, "%s",
		err.text);
	return text;
}

void made_write(const char *name, const char *text, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	(void)close(fd);
}
