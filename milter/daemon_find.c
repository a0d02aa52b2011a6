/*
 * Finds daemons of Postern that run, by the name, the user and the arguments of processes, for
 * `postern -n`. Owns nothing; one thread calls it. t/integration/test_check_sockets.py and
 * test_faults.py cover it.
 */
#include "milter/daemon_find.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"

bool daemon_find_name(long pid, char name_r[DAEMON_NAME_SIZE])
{
	char path[64];
	FILE *file;
	bool is_read;

	(void)text_format(path, sizeof(path), "/proc/%ld/comm", pid);
	if ((file = fopen(path, "re")) == NULL)
		return false;
	is_read = fgets(name_r, DAEMON_NAME_SIZE, file) != NULL;
	(void)fclose(file);
	if (is_read)
		name_r[strcspn(name_r, "\n")] = '\0';
	return is_read;
}

bool daemon_find_is_ours(long pid, const char *name, uid_t user)
{
	char path[64];
	struct stat st;

	(void)text_format(path, sizeof(path), "/proc/%ld", pid);
	return strcmp(name, "postern") == 0 && stat(path, &st) == 0 && file_is_owned(&st, user);
}

/* Find the value of -c among the arguments of postern(8), which are separated by NUL. */
static const char *find_config_argument(const char *arguments, size_t len)
{
	const char *end = arguments + len, *at = arguments + strlen(arguments) + 1, *letter;

	for (; at < end; at += strlen(at) + 1) {
		if (at[0] != '-' || (letter = strpbrk(at + 1, "cPu")) == NULL)
			continue;
		if (letter[1] == '\0')
			at += strlen(at) + 1; /* the value is the next argument */
		if (at > end)
			break;
		if (*letter == 'c')
			return letter[1] != '\0' ? letter + 1 : at < end ? at : NULL;
	}
	return CONFIG_FILE_DEFAULT;
}

/* Read the arguments of a process, with a NUL behind each. Returns their length: 0 if the process
 * has ended, whether somebody has waited for it or not. */
static size_t read_arguments(long pid, char arguments_r[static 2 * DAEMON_PATH_SIZE])
{
	char path[64];
	size_t len;
	FILE *file;

	(void)text_format(path, sizeof(path), "/proc/%ld/cmdline", pid);
	if ((file = fopen(path, "re")) == NULL)
		return 0;
	len = fread(arguments_r, 1, 2 * DAEMON_PATH_SIZE - 1, file);
	(void)fclose(file);
	return len;
}

/* Like daemon_find_other_config(), by the arguments of a process. */
static bool name_other_config(const char *arguments, size_t len, const char *own,
	char path_r[static DAEMON_PATH_SIZE])
{
	const char *path = len == 0 ? NULL : find_config_argument(arguments, len);
	struct stat first, second;

	if (path == NULL || path[0] != '/' || strcmp(path, own) == 0 || stat(own, &first) != 0 ||
		(stat(path, &second) == 0 && first.st_dev == second.st_dev &&
			first.st_ino == second.st_ino))
		return false;
	(void)text_format(path_r, DAEMON_PATH_SIZE, "%s", path);
	return true;
}

bool daemon_find_other_config(long pid, const char *own, char path_r[DAEMON_PATH_SIZE])
{
	char arguments[2 * DAEMON_PATH_SIZE] = "";
	const size_t len = read_arguments(pid, arguments);

	return name_other_config(arguments, len, own, path_r);
}

bool daemon_find_running(const char *config_path, uid_t user)
{
	char name[DAEMON_NAME_SIZE], arguments[2 * DAEMON_PATH_SIZE], other[DAEMON_PATH_SIZE];
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	bool is_running = false;
	size_t len;
	long pid;

	/* cppcheck-suppress readdirCalled ; no other thread reads this stream */
	while (!is_running && folder != NULL && (entry = readdir(folder)) != NULL) {
		pid = strtol(entry->d_name, NULL, 10);
		/* The files are read in a child of postern -n. */
		is_running = pid > 0 && pid != getpid() && pid != getppid() &&
			daemon_find_name(pid, name) && daemon_find_is_ours(pid, name, user) &&
			(len = read_arguments(pid, arguments)) > 0 &&
			!name_other_config(arguments, len, config_path, other);
	}
	if (folder != NULL)
		(void)closedir(folder);
	return is_running;
}
