/*
 * main() of the unit test programs. A program with several files runs those that its arguments
 * name, each in a child, so that one start (of memcheck: half a second) serves many of them, and a
 * file that crashes ends no other.
 */

#include "t/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct unit_file *files;

void unit_add(struct unit_file *file)
{
	struct unit_file **at = &files;

	while (*at != NULL && strcmp((*at)->path, file->path) < 0)
		at = &(*at)->next;
	file->next = *at;
	*at = file;
}

/* The file's name, without its directory and ".c": `test_ascii`. */
static const char *name_of(const struct unit_file *file, char name[static 256])
{
	const char *start = strrchr(file->path, '/');

	(void)snprintf(name, 256, "%s", start != NULL ? start + 1 : file->path);
	name[strcspn(name, ".")] = '\0';
	return name;
}

static const struct unit_file *find(const char *wanted)
{
	char name[256];

	for (const struct unit_file *file = files; file != NULL; file = file->next) {
		if (strcmp(name_of(file, name), wanted) == 0)
			return file;
	}
	return NULL;
}

static int run(const struct unit_file *file)
{
	SRunner *runner;
	int failed;

	if (setenv("CK_DEFAULT_TIMEOUT", "60", 0) == -1)
		return 1;
	runner = srunner_create(file->make_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* t/run-programs reads the two lines that begin with "== ". */
static int run_in_child(const struct unit_file *file, const char *name)
{
	struct rusage used;
	int status = -1;
	pid_t pid;

	(void)printf("== %s\n", name);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(run(file)); /* not _exit(): LeakSanitizer and memcheck look at the end */
	if (pid == -1 || wait4(pid, &status, 0, &used) == -1) {
		perror(name);
		return 1;
	}
	(void)printf("\n== %s ended: status %d signal %d cpu %.2f\n", name,
		WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	(void)fflush(stdout);
	return status == 0 ? 0 : 1;
}

static int print_names(void)
{
	char name[256];

	for (const struct unit_file *file = files; file != NULL; file = file->next)
		(void)puts(name_of(file, name));
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return print_names();
	for (int i = 1; i < argc; i++) {
		if (find(argv[i]) == NULL) {
			(void)fprintf(stderr, "%s: no %s here; --list prints the names\n", argv[0],
				argv[i]);
			return 2;
		}
	}
	if (argc == 2)
		return run(find(argv[1]));
	if (argc == 1 && files != NULL && files->next == NULL)
		return run(files);
	for (int i = 1; i < argc; i++)
		failed |= run_in_child(find(argv[i]), argv[i]);
	for (const struct unit_file *file = argc == 1 ? files : NULL; file != NULL;
		file = file->next) {
		char name[256];

		failed |= run_in_child(file, name_of(file, name));
	}
	return failed;
}
