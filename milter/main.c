/*
 * postern(8): reads the command line, and checks the files (-n) or runs the daemon. Main thread.
 * t/integration/test_daemon.py covers it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/hash.h"
#include "lib/base/print.h"
#include "lib/conf/config.h"
#include "lib/conf/file.h"
#include "lib/conf/stack.h"
#include "milter/check.h"
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
	"  -n        check the configuration and all files, and exit\n"
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

/* The daemon changes to the directory / and reloads its configuration by this path. */
static const char *absolute(const char *path)
{
	char *from_root = path == NULL ? NULL : file_absolute(path);

	if (path != NULL && from_root == NULL)
		process_fail(EX_OSERR,
			&(struct errmsg){ "out of memory, or no working directory" });
	return from_root;
}

/* Load the configuration, or print all of its errors and exit. */
static const struct config *load_config(const struct daemon_options *options)
{
	struct problems *errors = problems_new();
	const struct config *config = NULL;
	struct errmsg err = { "out of memory" };
	size_t i;

	if (errors == NULL)
		process_fail(EX_OSERR, &err);
	if (config_load_all(options->config_path, options->user, &config, errors, &err) != 0) {
		for (i = 1; i < problems_kept(errors); i++)
			print_line(stderr, "postern: %s", problems_text(errors, i - 1));
		(void)errmsg_set(&err, "%s", problems_text(errors, i - 1));
		process_fail(EX_CONFIG, &err);
	}
	problems_free(&errors);
	return config;
}

static int check_only(void *options)
{
	return check_run(options);
}

int main(int argc, char **argv)
{
	struct options options;
	const struct config *config;
	uint8_t key[16];
	int status;

	file_occupy_closed();
	read_options(argc, argv, &options);
	if (getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key))
		hash_set_key(key);
	if (options.check_only)
		return stack_call(check_only, &options.daemon);
	options.daemon.config_path = absolute(options.daemon.config_path);
	options.daemon.pid_file = absolute(options.daemon.pid_file);
	config = load_config(&options.daemon);
	status = daemon_run(&options.daemon, config);
	config_unref(&config);
	(void)fflush(NULL);
	_exit(status); /* with exit(), libmilter's handler would destroy locks that its threads use
			*/
}
