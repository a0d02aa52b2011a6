/*
 * The command import-haraka: makes a configuration of Postern from Haraka's, and reports what
 * became of each line. Owns the import. t/integration/test_import_haraka.py covers it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "ctl/cmd.h"
#include "ctl/import.h"
#include "lib/base/print.h"

const char cmd_import_haraka_usage[] =
	"usage: posternctl [OPTION ...] import-haraka DIR [-o DIR]\n"
	"Make a configuration of Postern from Haraka's, and report what becomes of each line. Without\n"
	"-o, nothing is written.\n"
	"  DIR     the directory of Haraka's configuration, with access.ini, its lists and the like\n"
	"  -o DIR  write postern.conf, lists and files with secrets into this directory, which must\n"
	"          be new or empty\n"
	"Exit status: 0 everything was taken, 1 some lines were not taken, 66 there is nothing to\n"
	"import, 73 the directory cannot be written.\n";

/* Return the directory of the configuration: DIR/config, if DIR is that of Haraka itself; NULL with
 * err set if neither is a directory. The caller frees it. */
static char *find_folder(const char *folder, struct errmsg *err)
{
	struct stat st;
	char *inside;

	if (stat(folder, &st) != 0) {
		(void)errmsg_set(err, "%s: %s", folder, strerror(errno));
		return NULL;
	}
	if (!S_ISDIR(st.st_mode)) {
		(void)errmsg_set(err, "%s: is not a directory", folder);
		return NULL;
	}
	if (asprintf(&inside, "%s/config", folder) < 0) {
		(void)errmsg_set(err, "out of memory");
		return NULL;
	}
	if (stat(inside, &st) == 0 && S_ISDIR(st.st_mode))
		return inside;
	free(inside);
	if ((inside = strdup(folder)) == NULL)
		(void)errmsg_set(err, "out of memory");
	return inside;
}

/* Print the report, and where the configuration is. */
static int print_result(const struct ctl *ctl, const struct import *import, const char *output)
{
	const bool complete = import->report.counts[IMPORT_REFUSED] == 0;
	json_t *answer;
	int ret;

	if (!ctl->json) {
		import_report_print(&import->report, ctl->colour);
		if (output != NULL)
			print_line(stdout,
				"%s is written; now check it: postern -n -c %s/postern.conf",
				output, output);
		else
			print_line(stdout, "nothing is written; -o DIR writes the configuration");
		return complete ? CTL_OK : CTL_FAILED;
	}
	answer = json_pack("{s:O, s:s?}", "lines", import->report.lines, "output", output);
	if (answer == NULL)
		return command_fail(CTL_FAILED, &(struct errmsg){ "out of memory" });
	ret = command_print_json(answer);
	json_decref(answer);
	return ret != CTL_OK ? ret : complete ? CTL_OK : CTL_FAILED;
}

static int run_import(const struct ctl *ctl, const char *folder, const char *output)
{
	struct import import;
	struct errmsg err = { "out of memory" };
	int ret = CTL_FAILED;

	if (import_init(&import, folder) == 0) {
		if (!import_plugins(&import)) {
			(void)errmsg_set(&err,
				"%s: contains no plugins, access.ini, limit.ini, pg-profile.json or "
				"list of Haraka",
				folder);
			ret = EX_NOINPUT;
		} else {
			import_set_fixed(&import, "lists", "directory", "lists");
			import_access(&import);
			import_profile(&import);
			import_limit(&import);
			ret = import_lists(&import, &err) == 0 ? CTL_OK : CTL_FAILED;
			import_rest(&import);
		}
	}
	if (ret == CTL_OK && import_write(&import, output, &err) != 0)
		ret = EX_CANTCREAT;
	if (ret == CTL_OK && import.report.failed)
		ret = CTL_FAILED;
	ret = ret == CTL_OK ? print_result(ctl, &import, output) : command_fail(ret, &err);
	import_clear(&import);
	return ret;
}

int cmd_import_haraka(const struct ctl *ctl, int argc, char **argv)
{
	const char *output = NULL;
	struct errmsg err;
	char *folder;
	int c, ret;

	opterr = 0;
	while ((c = getopt(argc, argv, "o:")) != -1) {
		if (c == '?') {
			command_report_option(argv);
			return command_usage(ctl);
		}
		output = optarg;
	}
	if (optind + 1 != argc || (output != NULL && *output == '\0'))
		return command_usage(ctl);
	if ((folder = find_folder(argv[optind], &err)) == NULL)
		return command_fail(EX_NOINPUT, &err);
	ret = run_import(ctl, folder, output);
	free(folder);
	return ret;
}
