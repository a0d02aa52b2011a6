/*
 * postern(8): reads the command line, checks the files (-n), or runs the daemon. Main thread.
 * t/integration/test_daemon.py covers it.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/hash.h"
#include "lib/base/print.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"
#include "lib/store/list_files.h"
#include "lib/store/policy_files.h"
#include "lib/store/token_keys.h"
#include "milter/daemon.h"
#include "milter/process.h"

struct options {
	struct daemon_options daemon;
	bool check_only;
};

static const char usage[] =
	"usage: postern [-fhnV] [-c FILE] [-P FILE] [-u USER[:GROUP]]\n"
	"  -c FILE   use this configuration (default: " CONFIG_FILE_DEFAULT ")\n"
	"  -f        stay in the foreground and log to standard error\n"
	"  -h        print this help (--help)\n"
	"  -n        check the configuration, the lists and the store, and exit\n"
	"  -P FILE   write the process id to FILE\n"
	"  -u USER   become this user when started by root\n"
	"  -V        print the version (--version)\n";

/* Report the option that getopt_long() has refused. */
static void report_option(char **argv)
{
	if (optopt == 0)
		print_line(stderr, "postern: unrecognized option '%s'", argv[optind - 1]);
	else
		print_line(stderr, "postern: invalid option or missing value -- '%c'", optopt);
}

static void read_options(int argc, char **argv, struct options *options_r)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .daemon.config_path = CONFIG_FILE_DEFAULT };
	int c;

	opterr = 0; /* the argument may contain anything */
	while ((c = getopt_long(argc, argv, "c:fhnP:u:V", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options.daemon.config_path = optarg;
			break;
		case 'f':
			options.daemon.foreground = true;
			break;
		case 'n':
			options.check_only = true;
			break;
		case 'P':
			options.daemon.pid_file = optarg;
			break;
		case 'u':
			options.daemon.user = optarg;
			break;
		case 'V':
			print_line(stdout, "postern %s", PACKAGE_VERSION);
			exit(EX_OK);
		case 'h':
			print_lines(stdout, usage);
			exit(EX_OK);
		default:
			report_option(argv);
			print_lines(stderr, usage);
			exit(EX_USAGE);
		}
	}
	if (optind < argc) {
		print_lines(stderr, usage);
		exit(EX_USAGE);
	}
	*options_r = options;
}

static void print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_kept(problems); i++)
		print_line(stderr, "%s", problems_text(problems, i));
}

/* Become the daemon's user, and print which files that user cannot read, unlike root. Exits with
 * their number, or with 255 if there are more: an exit status has eight bits. */
static void report_unreadable(const struct config *config, const struct process_user *user)
	__attribute__((noreturn));

static void report_unreadable(const struct config *config, const struct process_user *user)
{
	struct problems *problems = problems_new();
	struct errmsg err;

	if (process_become(user, &err) != 0) {
		print_line(stderr, "postern: %s", err.text);
		_exit(1);
	}
	config_check_readable(config, user->name, problems);
	list_files_check_readable(config->lists.directory, user->name, problems);
	print_problems(problems);
	_exit(problems_kept(problems) < UCHAR_MAX ? (int)problems_kept(problems) : UCHAR_MAX);
}

/* Root can read every file, so a child checks them as the daemon's user. */
static int check_user(const struct daemon_options *options, const struct config *config,
	size_t *unreadable_r, struct errmsg *err)
{
	struct process_user user;
	pid_t child = -1;
	int code = EX_OK, status;

	if (process_find_user(options->user != NULL ? options->user : config->milter.user, &user,
		    err) != 0) {
		code = EX_NOUSER;
	} else if (user.name[0] != '\0' && (child = fork()) < 0) {
		(void)errmsg_set(err, "fork: %s", strerror(errno));
		code = EX_OSERR;
	}
	if (child == 0)
		report_unreadable(config, &user);
	if (child > 0 && waitpid(child, &status, 0) == child)
		*unreadable_r = WIFEXITED(status) ? (size_t)WEXITSTATUS(status) : 1;
	return code;
}

/* Returns the exit code, and err if it is not EX_OK. Bad lines and rows are problems, not errors,
 * as in the daemon. *unreadable_r counts the files that only root can read; they have been
 * printed. */
static int check_config(const struct daemon_options *options, const struct config *config,
	struct problems *problems, size_t *unreadable_r, struct errmsg *err)
{
	struct policy *policy = NULL;
	struct jwt_keys *keys = NULL;
	int code = EX_CONFIG;

	if (daemon_check(config, err) == 0 &&
		policy_from_files(config, &policy, NULL, problems, err) == 0 &&
		token_keys_load(config->jwt.keys_file, config->jwt.secret, config->user, &keys,
			problems, err) == TOKEN_KEYS_LOADED)
		code = geteuid() == 0 ? check_user(options, config, unreadable_r, err) : EX_OK;
	policy_unref(&policy);
	jwt_keys_unref(&keys);
	return code;
}

/* Do what -n asks for: print the problems of the files. Returns the exit code. */
static int check_files(const struct daemon_options *options)
{
	struct problems *problems = problems_new();
	const struct config *config = NULL;
	struct errmsg err = { "out of memory" };
	size_t unreadable = 0, count;
	int code = EX_CONFIG;

	if (problems != NULL &&
		config_load_for(options->config_path, options->user, &config, &err) == 0) {
		print_problems(config->warnings);
		code = check_config(options, config, problems, &unreadable, &err);
	}
	if (code != EX_OK) {
		print_line(stderr, "postern: %s", err.text);
	} else {
		print_problems(problems);
		count = problems_count(problems) + unreadable;
		print_line(stdout, "%s: no error, %zu problem%s", options->config_path, count,
			count == 1 ? "" : "s");
	}
	config_unref(&config);
	problems_free(&problems);
	return code;
}

/* The daemon changes to the directory / and reloads its configuration by this path. */
static const char *absolute(const char *path)
{
	char *from_root = path == NULL ? NULL : file_absolute(path);

	if (path != NULL && from_root == NULL)
		process_fail(EX_OSERR,
			&(struct errmsg){ "out of memory, or no working directory" });
	return from_root;
}

int main(int argc, char **argv)
{
	struct options options;
	const struct config *config;
	struct errmsg err;
	uint8_t key[16];

	read_options(argc, argv, &options);
	if (getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key))
		hash_set_key(key);
	if (options.check_only)
		return check_files(&options.daemon);
	options.daemon.config_path = absolute(options.daemon.config_path);
	options.daemon.pid_file = absolute(options.daemon.pid_file);
	if (config_load_for(options.daemon.config_path, options.daemon.user, &config, &err) != 0)
		process_fail(EX_CONFIG, &err);
	daemon_run(&options.daemon, config);
	config_unref(&config);
	(void)fflush(NULL);
	_exit(EX_OK); /* with exit(), libmilter's handler would destroy locks that its threads use
		       */
}
