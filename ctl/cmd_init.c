/*
 * The command init: makes a first JSON store and, if there is none, a first configuration. Owns
 * nothing. t/integration/test_store_commands.py covers it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/paste_quote.h"
#include "lib/base/print.h"
#include "lib/base/strbuf.h"
#include "lib/conf/config.h"

const char cmd_init_usage[] =
	"usage: posternctl [OPTION ...] init DOMAIN\n"
	"Make a JSON store with one profile, staff, and no users; and a configuration, if there is\n"
	"none. Files that exist stay as they are. Then print what to do next.\n"
	"  DOMAIN  the domain of logins without one: example.com\n"
	"Exit status: 0 done, 1 the store exists, or a file cannot be written.\n";

static const char store_text[] =
	"{\"format\": \"postern-store-1\",\n"
	" \"profiles\": [\n"
	"  {\"id\": 1, \"name\": \"staff\", \"open\": true, \"limits\": \"100/1h,500/1d\", \"maxsize\": 26214400}\n"
	" ],\n"
	" \"users\": []}\n";

static int fail(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: %s", path, strerror(errno));
}

/* Make a file that must not exist yet. */
static int make_file(const char *path, mode_t mode, uid_t owner, const char *text,
	struct errmsg *err)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	const size_t len = strlen(text);
	bool done;

	if (fd < 0)
		return fail(path, err);
	done = write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0 &&
		(owner == (uid_t)-1 || fchown(fd, owner, (gid_t)-1) == 0) && fsync(fd) == 0;
	if (!done) {
		(void)fail(path, err);
		(void)unlink(path);
	}
	if (close(fd) != 0 && done)
		return fail(path, err);
	return done ? 0 : -1;
}

/* Make a configuration unless one exists. The domain is checked before. */
static int make_config(const struct ctl *ctl, const char *domain, struct errmsg *err)
{
	struct strbuf text = STRBUF_INIT;
	const struct config *config = NULL;
	int ret;

	strbuf_addf(&text, "[profile]\ndefault_domain = %s\n", domain);
	if (text.failed)
		return errmsg_set(err, "out of memory");
	ret = config_parse(ctl->config_path, text.text, text.len, &config, err);
	if (ret != 0)
		(void)errmsg_set(err, "\"%s\" is not a domain name, such as example.com", domain);
	else if (strcmp(config->settings->default_domain, domain) != 0)
		ret = errmsg_set(err, "\"%s\" is not written as a domain; write %s", domain,
			config->settings->default_domain);
	config_unref(&config);
	if (ret == 0 && access(ctl->config_path, F_OK) != 0) {
		ret = make_file(ctl->config_path, 0644, (uid_t)-1, text.text, err);
		if (ret == 0 && !ctl->json)
			print_line(stdout, "%s: made, with default_domain = %s", ctl->config_path,
				domain);
	}
	strbuf_free(&text);
	return ret;
}

/* The store must belong to the user that a daemon started by root becomes. */
static uid_t store_owner(const struct config *config)
{
	return geteuid() == 0 ? config->user : (uid_t)-1;
}

static void print_next(const struct ctl *ctl, const struct config *config, const char *domain)
{
	struct strbuf option = STRBUF_INIT;

	if (ctl->json) {
		print_line(stdout, "{\"ok\": true}");
		return;
	}
	print_line(stdout, "%s: made, with the profile staff", config->store.path);
	if (strcmp(config->settings->default_domain, domain) != 0)
		print_line(stdout,
			"Set default_domain = %s in the section [profile] of %s, which exists.",
			domain, ctl->config_path);
	print_lines(stdout, "\nNext:\n");
	if (strcmp(ctl->config_path, CONFIG_FILE_DEFAULT) != 0) {
		strbuf_add_str(&option, " -c ");
		(void)paste_quote_shell(&option, ctl->config_path);
	}
	print_line(stdout, "  posternctl%s user add bob froms=bob@%s profile=staff",
		option.len > 0 ? option.text : "", domain);
	print_line(stdout, "  postern -n%s", option.len > 0 ? option.text : "");
	print_line(stdout, "  posternctl%s reload", option.len > 0 ? option.text : "");
	strbuf_free(&option);
}

static int make_store(const struct ctl *ctl, const char *domain, struct errmsg *err)
{
	const struct config *config;
	int ret;

	if (config_load(ctl->config_path, &config, err) != 0)
		return EX_CONFIG;
	if (config->database.present)
		ret = errmsg_set(err, "%s: [database] is set, so that PostgreSQL is the store",
			ctl->config_path);
	else if (config->store.path[0] == '\0')
		ret = errmsg_set(err, "%s: [store] path is empty; set it first", ctl->config_path);
	else
		ret = make_file(config->store.path, 0600, store_owner(config), store_text, err);
	if (ret == 0)
		print_next(ctl, config, domain);
	config_unref(&config);
	return ret == 0 ? CTL_OK : CTL_FAILED;
}

int cmd_init(const struct ctl *ctl, int argc, char **argv)
{
	struct errmsg err;
	int ret;

	if (argc != 2 || argv[1][0] == '-' || argv[1][0] == '\0')
		return command_usage(ctl);
	if (make_config(ctl, argv[1], &err) != 0)
		return command_fail(CTL_FAILED, &err);
	ret = make_store(ctl, argv[1], &err);
	return ret == CTL_OK ? ret : command_fail(ret, &err);
}
